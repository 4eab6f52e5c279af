"""A runner without Claude: it plays the events a test gives it, and can be held, stopped and asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from botkit.events import (
    ApprovalAsked,
    Decision,
    Deny,
    Outcome,
    QuestionAsked,
    RequestClosed,
    TextDelta,
    TurnEvent,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from botkit.history import Said
from botkit.model import PLAIN, Overrides, Session, Turn
from botkit.surroundings import CliCommand, Surroundings

Play = Callable[[Turn], Iterable[TurnEvent]]


def echo(turn: Turn) -> Iterable[TurnEvent]:
    """Says the prompt back."""
    yield TextDelta(turn.prompt)
    yield TurnFinished(turn.prompt)


class ScriptedRunner:
    """Implements `botkit.protocols.Runner`. `turns` holds every turn that was started, in order.

    While `gate` is cleared, a turn pauses before its outcome. An asked request pauses the turn until it is answered.
    """

    def __init__(self, play: Play = echo) -> None:
        self.turns: list[Turn] = []
        self.decisions: list[tuple[str, Decision]] = []
        self.parked: list[str] = []
        self.warmed: list[str] = []
        """Sessions made ready before their turn; '' for a new one's."""
        self.live: set[str] = set()
        """See `Runner.live`: those of turns, until they are parked."""
        self.said: dict[str, tuple[Said, ...]] = {}
        """The histories of sessions, as a test would have them."""
        self.gate = asyncio.Event()
        self.gate.set()
        self._play = play
        self._stops: dict[str, asyncio.Event] = {}
        self._ended: dict[str, asyncio.Event] = {}
        self._requests: dict[str, asyncio.Future[Decision]] = {}

    @asynccontextmanager
    async def start(self, turn: Turn) -> AsyncGenerator[AsyncIterator[TurnEvent]]:
        """See `Runner.start`."""
        self.turns.append(turn)
        self.live.add(turn.session.id)
        self._stops[turn.session.id], self._ended[turn.session.id] = asyncio.Event(), asyncio.Event()
        events = self._events(turn)
        try:
            yield events
        finally:
            await events.aclose()
            self._ended.pop(turn.session.id).set()
            del self._stops[turn.session.id]

    async def _events(self, turn: Turn) -> AsyncGenerator[TurnEvent]:
        stop = self._stops[turn.session.id]
        yield TurnStarted(turn.session.id, "scripted")
        for event in self._play(turn):
            if isinstance(event, Outcome):
                await self._either(self.gate.wait(), stop)
            if stop.is_set():
                yield TurnFailed("stopped", session=turn.session.id)
                return
            if isinstance(event, ApprovalAsked | QuestionAsked):
                # Before it is shown: whoever sees it may answer at once.
                self._requests[event.id] = asyncio.get_running_loop().create_future()
            yield event
            if isinstance(event, ApprovalAsked | QuestionAsked):
                yield await self._asked(event, stop)

    async def _asked(self, event: ApprovalAsked | QuestionAsked, stop: asyncio.Event) -> RequestClosed:
        answer = self._requests[event.id]
        await self._either(asyncio.wait([answer]), stop)
        del self._requests[event.id]
        allowed = answer.done() and not isinstance(answer.result(), Deny)
        return RequestClosed(event.id, allowed=allowed, text="allowed" if allowed else "denied")

    async def _either(self, wait: Awaitable[object], stop: asyncio.Event) -> None:
        tasks = {asyncio.ensure_future(wait), asyncio.ensure_future(stop.wait())}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def reserve(self, overrides: Overrides = PLAIN, *, stateless: bool = False) -> str:
        """See `Runner.reserve`."""
        del overrides, stateless  # it has no workers that could be ready
        return str(uuid4())

    async def stop(self, session: str) -> bool:
        """See `Runner.stop`."""
        if session not in self._stops:
            return False
        self._stops[session].set()
        await self._ended[session].wait()
        return True

    async def answer(self, request: str, decision: Decision) -> bool:
        """See `Runner.answer`."""
        waiting = self._requests.get(request)
        if waiting is None or waiting.done():
            return False
        self.decisions.append((request, decision))
        waiting.set_result(decision)
        return True

    async def warm(self, session: Session | None) -> bool:
        """See `Runner.warm`."""
        self.warmed.append(session.id if session is not None else "")
        self.live |= {session.id} if session is not None else set()
        return True

    async def park(self, session: str) -> bool:
        """See `Runner.park`."""
        if session in self._stops:
            return False
        self.parked.append(session)
        self.live.discard(session)
        return True

    async def history(self, session: str) -> Sequence[Said]:
        """See `Runner.history`: what the test put into `said`."""
        return self.said.get(session, ())

    async def forget(self, session: str) -> bool:
        """See `Runner.forget`."""
        if session in self._stops:
            return False
        self.said.pop(session, None)
        self.live.discard(session)
        return True

    async def fork(self, session: Session, id: str) -> bool:
        """See `Runner.fork`: what was said is said in both."""
        if session.id not in self.said:
            return False
        self.said[id] = self.said[session.id]
        return True

    async def commands(self, session: Session) -> Sequence[CliCommand]:
        """See `Runner.commands`: the same for every session."""
        del session
        return (CliCommand("compact", "Shorten the memory"),)

    def surroundings(self, session: Session) -> Surroundings:
        """See `Runner.surroundings`: no sandbox, nothing in the environment."""
        return Surroundings(
            Path(session.workdir), (), {}, "", session.mode or "default", None, session.rules, (), "", False
        )
