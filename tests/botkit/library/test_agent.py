"""Claude in a program: the real CLI with the loopback model, no server."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import get_args, get_type_hints

import psutil
import pytest

from botkit import Agent, SyncAgent, TurnError
from botkit.errors import BotkitError, ConfigError, Gone
from botkit.events import (
    Allow,
    Answer,
    ApprovalAsked,
    Decision,
    QuestionAsked,
    TextDelta,
    ToolFinished,
    TurnEvent,
    TurnFailed,
    TurnFinished,
)
from botkit.library.agent import Options
from botkit.settings import Bot
from botkit.stores.memory import MemoryStore
from botkit.stores.sqlite import SqliteStore
from botkit.testing.model import LoopbackModel

TOUCH = '!tool Bash {"command": "touch made", "description": "make a file"}\n!say Done.'
PATIENCE = 30.0


async def test_a_chat_goes_on_where_it_was_and_users_do_not_meet(workdir: Path, environ: dict[str, str]) -> None:
    async with asyncio.timeout(PATIENCE), Agent(workdir, environ=environ) as agent:
        first = await agent.chat("My name is Ann.", user_id="ann")
        assert isinstance(first, TurnFinished)
        assert first.text
        assert first.usage.output_tokens
        again = await agent.chat("!history", user_id="ann")
        assert "My name is Ann." in again.text
        assert again.session == first.session
        other = await agent.chat("!history", user_id="bob")
        assert "Ann" not in other.text
        assert [said.role for said in await agent.history("ann")] == ["user", "assistant"] * 2
        assert "My name is Ann." in (await agent.history("ann"))[0].text


async def test_events_come_as_they_happen(workdir: Path, environ: dict[str, str]) -> None:
    async with asyncio.timeout(PATIENCE), Agent(workdir, environ=environ) as agent:
        times: list[float] = []
        last: TurnEvent | None = None
        async for event in agent.stream("!words 20 25ms"):
            if isinstance(event, TextDelta):
                times.append(time.monotonic())
            last = event
        assert isinstance(last, TurnFinished)
        assert times[-1] - times[0] > 0.2


async def test_leaving_a_stream_stops_its_turn(workdir: Path, environ: dict[str, str], model: LoopbackModel) -> None:
    async with asyncio.timeout(PATIENCE), Agent(workdir, environ=environ) as agent:
        async for event in (events := agent.stream("!words 2000 20ms")):
            if isinstance(event, TextDelta):
                break
        await events.aclose()
        answer = await agent.chat("!say Next.")
        assert "Next." in answer.text


async def test_who_gives_up_waiting_stops_nobody_elses_turn(
    workdir: Path, environ: dict[str, str], model: LoopbackModel
) -> None:
    async with asyncio.timeout(PATIENCE), Agent(workdir, environ=environ) as agent:
        first = asyncio.create_task(agent.chat("!words 50 20ms", user_id="ann"))
        await model.asked("!words 50")
        second = asyncio.create_task(agent.chat("!say second", user_id="ann"))
        third = asyncio.create_task(agent.chat("!history", user_id="ann"))
        await asyncio.sleep(0.1)  # both wait now; that they do is no event
        second.cancel()
        assert (await first).text.endswith("word50")
        assert "second" not in (await third).text


async def test_closing_ends_what_is_just_opening(workdir: Path, environ: dict[str, str]) -> None:
    agent = Agent(workdir, environ=environ)
    asking = asyncio.create_task(agent.chat("!say Too late."))
    async with asyncio.timeout(PATIENCE):
        await asyncio.sleep(0)
        await agent.close()
        await asyncio.wait([asking])  # it came in time, or too late
    assert not await asyncio.to_thread(working_in, workdir)


def working_in(folder: Path) -> list[int]:
    """Processes of this one that work there."""
    found: list[int] = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if process.cwd() == str(folder):
                found.append(process.pid)
    return found


async def test_what_needs_a_person_is_denied_without_one(workdir: Path, environ: dict[str, str]) -> None:
    async with asyncio.timeout(PATIENCE), Agent(workdir, environ=environ) as agent:
        answer = await agent.chat(TOUCH)
    assert answer.denials
    assert not (workdir / "made").exists()


async def test_the_program_approves(workdir: Path, environ: dict[str, str]) -> None:
    asked: list[str] = []

    async def approve(request: ApprovalAsked | QuestionAsked) -> Decision:
        assert isinstance(request, ApprovalAsked)
        asked.append(request.tool)
        return Allow()

    async with asyncio.timeout(PATIENCE), Agent(workdir, environ=environ, approve=approve) as agent:
        events = [event async for event in agent.stream(TOUCH)]
    assert asked == ["Bash"]
    assert [event.ok for event in events if isinstance(event, ToolFinished)] == [True]
    assert (workdir / "made").exists()


async def test_the_program_answers_questions(workdir: Path, environ: dict[str, str]) -> None:
    def approve(request: ApprovalAsked | QuestionAsked) -> Decision:
        return Answer((("Tea",),)) if isinstance(request, QuestionAsked) else Allow()

    async with asyncio.timeout(PATIENCE), Agent(workdir, environ=environ, approve=approve) as agent:
        assert "Tea" in (await agent.chat("!ask Tea or coffee? | Tea | Coffee\n!result")).text


async def test_a_callback_that_fails_is_a_denial(workdir: Path, environ: dict[str, str]) -> None:
    def approve(request: ApprovalAsked | QuestionAsked) -> Decision:
        raise LookupError("the program's own mistake")

    async with asyncio.timeout(PATIENCE), Agent(workdir, environ=environ, approve=approve) as agent:
        assert (await agent.chat(TOUCH)).denials


async def test_a_failed_turn_raises_with_what_was_said(workdir: Path, environ: dict[str, str]) -> None:
    async with asyncio.timeout(PATIENCE), Agent(workdir, environ=environ) as agent:
        with pytest.raises(TurnError) as failed:
            await agent.chat("!status 400")
        assert isinstance(failed.value.outcome, TurnFailed)
        assert (await agent.chat("!say Fine.", user_id="ann")).text == "Fine."


async def test_files_go_along(workdir: Path, environ: dict[str, str], tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("the file's words", encoding="utf-8")
    async with asyncio.timeout(PATIENCE), Agent(workdir, environ=environ) as agent:
        await agent.chat("What is in it?", files=[note])
        (said, _) = await agent.history()
        assert "note.txt" in said.text
        with pytest.raises(Gone, match=r"missing\.txt"):
            await agent.chat("And in this?", files=[tmp_path / "missing.txt"])


async def test_a_cleared_session_is_gone(workdir: Path, environ: dict[str, str]) -> None:
    async with asyncio.timeout(PATIENCE), Agent(workdir, environ=environ) as agent:
        assert await agent.clear()
        first = await agent.chat("Remember me.")
        assert await agent.clear()
        assert list(await agent.history()) == []
        second = await agent.chat("!history")
        assert "Remember me" not in second.text
        assert second.session != first.session


async def test_a_store_keeps_sessions_between_programs(workdir: Path, environ: dict[str, str], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'agent.db'}"
    async with asyncio.timeout(PATIENCE), Agent(workdir, store=url, environ=environ) as agent:
        await agent.chat("I was here before.")
    async with asyncio.timeout(PATIENCE), Agent(workdir, store=url, environ=environ) as agent:
        assert "I was here before." in (await agent.chat("!history")).text


async def test_a_store_of_ones_own_is_used(workdir: Path, environ: dict[str, str], tmp_path: Path) -> None:
    for store in (MemoryStore(), SqliteStore(tmp_path / "own.db")):
        async with asyncio.timeout(PATIENCE), Agent(workdir, store=store, environ=environ) as agent:
            await agent.chat("!say Hello.", user_id="ann")
            assert [session.owner for session in await store.list_sessions("agent")] == ["ann"]


async def test_it_opens_by_itself_and_a_closed_one_says_so(workdir: Path, environ: dict[str, str]) -> None:
    agent = Agent(workdir, environ=environ, spares=0)
    async with asyncio.timeout(PATIENCE):
        assert (await agent.chat("!say Hi.")).text == "Hi."
        await agent.close()
    with pytest.raises(BotkitError, match="closed"):
        await agent.chat("Too late.")


def test_wrong_options_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="permission_mode"):
        Agent(tmp_path, permission_mode="everything")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_missing_workdir_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such folder"):
        Agent(tmp_path / "missing")


async def test_what_looks_like_a_command_of_the_chat_goes_to_claude(workdir: Path, environ: dict[str, str]) -> None:
    async with asyncio.timeout(PATIENCE), Agent(workdir, environ=environ) as agent:
        assert "/help me" in (await agent.chat("/help me")).text


async def test_commands_of_the_cli_work_where_they_are_wanted(workdir: Path, environ: dict[str, str]) -> None:
    async with asyncio.timeout(PATIENCE), Agent(workdir, environ=environ, slash_commands=True) as agent:
        await agent.chat("!say Hello.")
        assert "help me" not in (await agent.chat("/context")).text
        assert "tokens" in (await agent.chat("/context")).text.lower()


def test_its_options_are_those_of_a_bot() -> None:
    hints = get_type_hints(Options)
    assert hints.keys() <= Bot.model_fields.keys()
    assert "bypassPermissions" in get_args(hints["permission_mode"])


def test_without_an_event_loop(elsewhere: dict[str, str], workdir: Path) -> None:
    with SyncAgent(workdir, environ=elsewhere) as agent:
        assert agent.chat("!say One.", user_id="ann").text == "One."
        events = list(agent.stream("!words 5 1ms", user_id="ann"))
        assert isinstance(events[-1], TurnFinished)
        for event in agent.stream("!words 2000 20ms", user_id="ann"):
            if isinstance(event, TextDelta):
                break
        assert len(agent.history("ann")) >= 4
        assert agent.clear("ann")
    agent.close()


def test_threads_share_it_and_are_told_when_it_closes(elsewhere: dict[str, str], workdir: Path) -> None:
    agent = SyncAgent(workdir, environ=elsewhere)
    with agent, ThreadPoolExecutor(3) as threads:

        def ask(name: str) -> str:
            return agent.chat(f"!say I am {name}.", user_id=name).text

        said = threads.map(ask, ("ann", "bob", "eve"))
        assert list(said) == ["I am ann.", "I am bob.", "I am eve."]
        events = agent.stream("!words 2000 20ms", user_id="ann")
        next(events)
        waiting = threads.submit(agent.chat, "!words 2000 20ms", user_id="bob")
        agent.close()
        assert isinstance(waiting.exception(PATIENCE), BotkitError)
    with pytest.raises(BotkitError, match="closed"):
        list(events)
    with pytest.raises(BotkitError, match="closed"):
        agent.chat("Too late.")
