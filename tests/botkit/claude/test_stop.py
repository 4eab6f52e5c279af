"""Stopping turns and their tools, and turns nobody asked for, with the real CLI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import msgspec
import psutil
import pytest

from botkit.claude.options import Profile
from botkit.claude.pool import Pool
from botkit.claude.runner import ClaudeRunner
from botkit.events import TextDelta, ToolStarted, TurnEvent, TurnFailed, TurnFinished
from tests.botkit.claude.conftest import Talk, new_talk

WRITE = "while true; do date +%N >> grows; sleep 0.05; done"


def bash(command: str, *, background: bool = False) -> str:
    given: dict[str, object] = {"command": command, "run_in_background": background}
    return f"!tool Bash {msgspec.json.encode(given).decode()}\n!say done"


@pytest.fixture
def profile(profile: Profile) -> Profile:
    return replace(profile, allowed_tools=("Bash",))


async def grows(path: Path) -> bool:
    before = size(path)
    await asyncio.sleep(0.3)  # whether it still grows can only be seen by waiting
    return size(path) > before


async def begun(path: Path) -> None:
    async with asyncio.timeout(5):
        while not size(path):  # noqa: ASYNC110 (a file cannot signal)
            await asyncio.sleep(0.02)


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


async def test_stop_ends_the_tool_that_runs(talk: Talk) -> None:
    path = talk.workdir / "grows"
    async with asyncio.timeout(15), talk.runner.start(talk.turn(bash(WRITE))) as events:
        async for event in events:
            if isinstance(event, ToolStarted):
                await begun(path)
                assert await talk.runner.stop(talk.session.id)
        assert not await grows(path)
    assert isinstance(await talk.ask("!say still here"), TurnFinished)


async def test_stop_ends_what_the_turn_left_in_the_background(talk: Talk) -> None:
    path = talk.workdir / "grows"
    ended = await talk.ask(bash(WRITE, background=True))
    assert isinstance(ended, TurnFinished)
    await begun(path)
    assert not await talk.runner.park(talk.session.id), "a worker with something in its background lives on"
    assert await talk.runner.stop(talk.session.id)
    assert not await grows(path)


async def test_a_tool_that_runs_away_ends_with_its_worker(talk: Talk) -> None:
    path = talk.workdir / "grows"
    await talk.ask(bash(f"nohup setsid bash -c '{WRITE}' >/dev/null 2>&1 & sleep 0.2"))
    await begun(path)
    await talk.runner.park(talk.session.id)
    assert not await grows(path)


async def test_a_stopped_stream_keeps_its_words_and_the_session_goes_on(talk: Talk, pool: Pool) -> None:
    seen: list[TurnEvent] = []
    async with asyncio.timeout(15), talk.runner.start(talk.turn("!words 500 20ms")) as events:
        async for event in events:
            seen.append(event)
            if isinstance(event, TextDelta) and "word5" in event.text:
                assert await talk.runner.stop(talk.session.id)
    assert isinstance(seen[-1], TurnFailed)
    assert seen[-1].reason == "stopped"
    pid = pool.workers[0].pid
    assert isinstance(await talk.ask("!say on"), TurnFinished)
    assert pool.workers[0].pid == pid


async def test_a_turn_nobody_asked_for_reaches_its_conversation(pool: Pool, profile: Profile) -> None:
    told: asyncio.Queue[tuple[str, list[TurnEvent]]] = asyncio.Queue()

    async def on_unasked(session: str, events: AsyncIterator[TurnEvent]) -> None:
        await told.put((session, [event async for event in events]))

    async with ClaudeRunner(profile, pool, on_unasked=on_unasked) as runner:
        talk = new_talk(runner, profile.workdir)
        assert isinstance(await talk.ask(bash("sleep 0.4; echo ready", background=True)), TurnFinished)
        (worker,) = pool.workers
        assert pool.state(worker) == "busy"
        async with asyncio.timeout(10):
            session, events = await told.get()
        assert session == talk.session.id
        assert isinstance(events[-1], TurnFinished)
        assert events[-1].text
        assert pool.state(worker) == "idle"
        ended = await talk.ask("!say mine")
        assert isinstance(ended, TurnFinished)
        assert ended.text == talk.text == "mine"


async def test_a_message_sent_while_a_task_reports_gets_its_own_answer(pool: Pool, profile: Profile) -> None:
    async with ClaudeRunner(profile, pool) as runner:
        talk = new_talk(runner, profile.workdir)
        for pause in (0.30, 0.31, 0.32, 0.34):
            await talk.ask(bash("sleep 0.3", background=True))
            await asyncio.sleep(pause)  # about when the task ends: whichever comes first
            ended = await talk.ask(f"!say mine {pause}")
            assert isinstance(ended, TurnFinished)
            assert ended.text.endswith(f"mine {pause}")


async def test_a_worker_killed_in_mid_turn_ends_the_turn_and_the_session_resumes(talk: Talk, pool: Pool) -> None:
    async with asyncio.timeout(15), talk.runner.start(talk.turn("!words 500 20ms")) as events:
        seen: list[TurnEvent] = []
        async for event in events:
            seen.append(event)
            if isinstance(event, TextDelta) and "word5" in event.text:
                psutil.Process(pool.workers[0].pid).kill()
    assert isinstance(seen[-1], TurnFailed)
    assert seen[-1].reason == "crashed"
    ended = await talk.ask("!history")
    assert isinstance(ended, TurnFinished)
    assert "words 500" in ended.text


async def test_a_turn_costs_no_more_than_its_budget_and_the_next_has_its_own(pool: Pool, profile: Profile) -> None:
    async with ClaudeRunner(replace(profile, turn_budget=0.5), pool) as runner:
        talk = new_talk(runner, profile.workdir)
        first = await talk.ask("!say cheap")
        assert isinstance(first, TurnFinished)
        async with ClaudeRunner(replace(profile, turn_budget=first.usage.cost * 1.5), pool) as tight:
            talk = new_talk(tight, profile.workdir)
            assert isinstance(await talk.ask("!say cheap"), TurnFinished)
            assert isinstance(await talk.ask("!say cheap"), TurnFinished)
            many = "\n".join(f'!tool Bash {{"command": "echo {number}; sleep 0.1"}}' for number in range(6))
            ended = await talk.ask(many)
            assert isinstance(ended, TurnFailed)
            assert ended.reason == "budget"
            assert isinstance(await talk.ask("!say cheap"), TurnFinished)
