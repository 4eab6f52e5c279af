"""Permission requests and questions of the real CLI, decided by people."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import msgspec

from botkit.claude.options import PoolLimits, Profile, TurnLimits
from botkit.claude.pool import Pool
from botkit.claude.runner import ClaudeRunner
from botkit.events import (
    Allow,
    Answer,
    ApprovalAsked,
    Decision,
    Deny,
    QuestionAsked,
    RequestClosed,
    ToolFinished,
    TurnEvent,
    TurnFailed,
    TurnFinished,
)
from tests.botkit.claude.conftest import Talk, new_talk


def bash(command: str) -> str:
    return f"!tool Bash {msgspec.json.encode({'command': command}).decode()}\n!result"


def allow(event: TurnEvent) -> Decision | None:
    return Allow() if isinstance(event, ApprovalAsked) else None


def allow_for_session(event: TurnEvent) -> Decision | None:
    return Allow(for_session=True) if isinstance(event, ApprovalAsked) else None


def deny(event: TurnEvent) -> Decision | None:
    return Deny("not today") if isinstance(event, ApprovalAsked) else None


def asks(talk: Talk) -> list[ApprovalAsked]:
    return [event for event in talk.events if isinstance(event, ApprovalAsked)]


async def test_an_allowed_tool_runs(talk: Talk) -> None:
    ended = await talk.ask(bash("touch made && echo done"), decide=allow)
    assert isinstance(ended, TurnFinished)
    assert (talk.workdir / "made").exists()
    (asked,) = asks(talk)
    assert (asked.tool, asked.summary, asked.detail) == ("Bash", "touch made && echo done", "touch made && echo done")
    assert [event.ok for event in talk.events if isinstance(event, ToolFinished)] == [True]


async def test_a_denied_tool_does_not_run_and_claude_reads_why(talk: Talk) -> None:
    ended = await talk.ask(bash("touch made"), decide=deny)
    assert isinstance(ended, TurnFinished)
    assert not (talk.workdir / "made").exists()
    assert "not today" in ended.text
    assert [event.allowed for event in talk.events if isinstance(event, RequestClosed)] == [False]
    assert ended.denials


async def test_rules_of_the_session_ask_no_more_also_after_parking(talk: Talk) -> None:
    await talk.ask(bash("touch a1"), decide=allow_for_session)
    closed = next(event for event in talk.events if isinstance(event, RequestClosed))
    assert closed.rules
    assert closed.rules == asks(talk)[0].rules
    talk.session = replace(talk.session, rules=closed.rules)
    await talk.ask(bash("touch a1"), decide=deny)
    assert not asks(talk)
    await talk.runner.park(talk.session.id)
    await talk.ask(bash("touch a1"), decide=deny)
    assert not asks(talk)
    await talk.ask(bash("touch a1 && mkdir b"), decide=deny)
    assert asks(talk)


async def test_an_edit_offers_no_rules_only_this_once(talk: Talk) -> None:
    path = talk.workdir / "f.txt"
    given = msgspec.json.encode({"file_path": str(path), "content": "x\ny"}).decode()
    await talk.ask(f"!tool Write {given}\n!say ok", decide=allow_for_session)
    (asked,) = asks(talk)
    assert asked.rules == ()
    assert asked.detail == f"{path}\n+ x\n+ y"
    await talk.ask(f"!tool Write {given.replace('f.txt', 'g.txt')}", decide=deny)
    assert asks(talk)


async def test_a_question_is_answered(talk: Talk) -> None:
    def choose(event: TurnEvent) -> Decision | None:
        return Answer((("Red",),)) if isinstance(event, QuestionAsked) else None

    ended = await talk.ask("!ask Which colour? | Red | Blue\n!result", decide=choose)
    assert isinstance(ended, TurnFinished)
    question = next(event for event in talk.events if isinstance(event, QuestionAsked)).questions[0]
    assert question.text == "Which colour?"
    assert [choice.label for choice in question.choices] == ["Red", "Blue"]
    assert "Red" in ended.text


async def test_allowed_and_denied_tools_never_ask(pool: Pool, profile: Profile) -> None:
    profile = replace(profile, allowed_tools=("Bash(touch yes)",), disallowed_tools=("Bash(touch no)", "Write"))
    async with ClaudeRunner(profile, pool) as runner:
        talk = new_talk(runner, profile.workdir)
        await talk.ask(bash("touch yes"))
        assert (profile.workdir / "yes").exists()
        await talk.ask(bash("touch no"))
        assert not (profile.workdir / "no").exists()
        assert not asks(talk)


async def test_a_decision_counts_once(talk: Talk) -> None:
    async with asyncio.timeout(15), talk.runner.start(talk.turn(bash("touch made"))) as events:
        async for event in events:
            if isinstance(event, ApprovalAsked):
                assert await talk.runner.answer(event.id, Allow())
                assert not await talk.runner.answer(event.id, Deny())
    assert (talk.workdir / "made").exists()


async def test_stop_closes_an_open_request(talk: Talk) -> None:
    seen: list[TurnEvent] = []
    async with asyncio.timeout(15), talk.runner.start(talk.turn(bash("touch made"))) as events:
        async for event in events:
            seen.append(event)
            if isinstance(event, ApprovalAsked):
                assert await talk.runner.stop(talk.session.id)
                assert not await talk.runner.answer(event.id, Allow())
    assert isinstance(seen[-1], TurnFailed)
    assert seen[-1].reason == "stopped"
    assert [event.allowed for event in seen if isinstance(event, RequestClosed)] == [False]
    assert not (talk.workdir / "made").exists()
    assert isinstance(await talk.ask("!say still here"), TurnFinished)


async def test_clocks_stand_still_and_the_worker_freezes_while_people_think(
    profile: Profile, ambient: dict[str, str], workdir: Path
) -> None:
    limits = PoolLimits(max_workers=1, spares=0, freeze_after=0.2)
    turns = TurnLimits(turn=1.5, silence=1.0)
    async with Pool(limits, turns, ambient=ambient) as pool, ClaudeRunner(profile, pool) as runner:
        talk = new_talk(runner, workdir)
        seen: list[TurnEvent] = []
        async with asyncio.timeout(15), runner.start(talk.turn(bash("touch made"))) as events:
            async for event in events:
                seen.append(event)
                if isinstance(event, ApprovalAsked):
                    # This is the time that a person takes; nothing signals its end.
                    await asyncio.sleep(2.0)
                    assert pool.state(pool.workers[0]) == "frozen"
                    assert await runner.answer(event.id, Allow())
        assert isinstance(seen[-1], TurnFinished)
        assert (workdir / "made").exists()
