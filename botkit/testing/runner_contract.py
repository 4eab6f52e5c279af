"""What every runner promises, as checks: `async with runner: await check_runner(runner, make_turn)`.

`make_turn(prompt)` gives a turn in a new session. The prompts `long` and `tool` of `Prompts` have to make the runner
talk for at least ten seconds, and use a tool.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from botkit.events import ToolFinished, ToolStarted, TurnEvent, TurnFailed, TurnFinished
from botkit.model import Turn
from botkit.protocols import Runner

PATIENCE = 15.0
"""Seconds any one step may take."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """What to ask so that the runner does what a check needs."""

    short: str
    long: str
    tool: str


async def check_runner(runner: Runner, make_turn: Callable[[str], Turn], prompts: Prompts) -> None:
    """All checks, one after the other. Raises AssertionError."""
    await check_outcome(runner, make_turn(prompts.short))
    await check_tools(runner, make_turn(prompts.tool))
    await check_stop(runner, make_turn(prompts.long))
    await check_leaving(runner, make_turn(prompts.long))
    await check_live(runner, make_turn(prompts.short))
    await check_strangers(runner, make_turn(prompts.short))


async def check_outcome(runner: Runner, turn: Turn) -> list[TurnEvent]:
    """A turn ends with exactly one outcome, last, under its session's id."""
    events = await _all(runner, turn)
    outcomes = [event for event in events if isinstance(event, TurnFinished | TurnFailed)]
    assert len(outcomes) == 1, f"one outcome, not {len(outcomes)}"
    assert events[-1] is outcomes[0], "the outcome comes last"
    assert outcomes[0].session == turn.session.id, "the outcome names the session"
    return events


async def check_tools(runner: Runner, turn: Turn) -> None:
    """Every tool that finished had started, and every tool that started has finished."""
    events = await check_outcome(runner, turn)
    started = [event.id for event in events if isinstance(event, ToolStarted)]
    finished = [event.id for event in events if isinstance(event, ToolFinished)]
    assert started, "the prompt was to make the runner use a tool"
    assert sorted(started) == sorted(finished), "tools are paired"
    for id in started:
        assert _place(events, ToolStarted, id) < _place(events, ToolFinished, id), "a tool starts before it finishes"


async def check_stop(runner: Runner, turn: Turn) -> None:
    """A stop ends the turn soon, as stopped; a second one finds nothing to stop."""
    async with asyncio.timeout(PATIENCE), runner.start(turn) as events:
        await anext(events)  # it has begun
        stopping = asyncio.create_task(runner.stop(turn.session.id))
        seen = [event async for event in events]
        assert await stopping, "the turn and its tools have ended"
    assert isinstance(seen[-1], TurnFailed), "a stopped turn has failed"
    assert seen[-1].reason == "stopped"
    assert not await runner.stop(turn.session.id), "nothing runs any more"


async def check_leaving(runner: Runner, turn: Turn) -> None:
    """Leaving a turn early stops it."""
    async with asyncio.timeout(PATIENCE):
        async with runner.start(turn) as events:
            await anext(events)
        assert not await runner.stop(turn.session.id), "nothing runs after the turn was left"


async def check_live(runner: Runner, turn: Turn) -> None:
    """A session counts as live from its turn until its worker is parked."""
    assert turn.session.id not in runner.live
    async with asyncio.timeout(PATIENCE):
        async with runner.start(turn) as events:
            await anext(events)
            assert turn.session.id in runner.live
            await _collect(events)
        assert await runner.park(turn.session.id)
        assert turn.session.id not in runner.live


async def check_strangers(runner: Runner, turn: Turn) -> None:
    """Stopping or parking a session that is not there does nothing."""
    async with asyncio.timeout(PATIENCE):
        assert not await runner.stop(turn.session.id)
        await runner.park(turn.session.id)


async def _all(runner: Runner, turn: Turn) -> list[TurnEvent]:
    async with asyncio.timeout(PATIENCE), runner.start(turn) as events:
        return await _collect(events)


async def _collect(events: AsyncIterator[TurnEvent]) -> list[TurnEvent]:
    return [event async for event in events]


def _place(events: list[TurnEvent], kind: type[ToolStarted | ToolFinished], id: str) -> int:
    return next(number for number, event in enumerate(events) if isinstance(event, kind) and event.id == id)
