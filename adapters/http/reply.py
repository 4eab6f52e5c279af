"""A reply that only the waiting request sees: events go in, the request takes them in batches."""

from __future__ import annotations

import asyncio

from botkit.events import Outcome, TurnEvent, TurnFailed, TurnFinished
from botkit.model import ReplyState

MAX_WAITING = 50_000
"""Events that may wait for a slow reader; then it is cut off."""


class Waiting:
    """A turn's events on their way to a request. Pushing never waits."""

    __slots__ = ("_events", "_news", "outcome", "overrun")

    def __init__(self) -> None:
        self._events: list[TurnEvent] = []
        self._news: asyncio.Future[None] | None = None
        self.outcome: Outcome | None = None
        self.overrun = False
        """The reader is so slow that events were dropped."""

    def push(self, event: TurnEvent) -> None:
        if self.outcome is not None:
            return
        if isinstance(event, TurnFinished | TurnFailed):
            self.outcome = event
        elif len(self._events) >= MAX_WAITING:
            self.overrun = True
            return
        self._events.append(event)
        self.ring()

    def ring(self) -> None:
        """Let the request look up, with or without news."""
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def take(self) -> list[TurnEvent]:
        """All that has come meanwhile; nothing when it was only rung. The outcome is the last one."""
        if not self._events:
            self._news = asyncio.get_running_loop().create_future()
            try:
                await self._news
            finally:
                self._news = None
        taken, self._events = self._events, []
        return taken


class HttpReply:
    """Implements `Reply`: hands every event to the request. Delivered once the request has the outcome."""

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting

    @property
    def state(self) -> ReplyState:
        return ReplyState()

    @property
    def delivered(self) -> bool:
        return self._waiting.outcome is not None

    def push(self, event: TurnEvent) -> None:
        self._waiting.push(event)

    async def __aenter__(self) -> HttpReply:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._waiting.push(TurnFailed("interrupted", "botkit was stopped before the turn was over", retryable=True))
