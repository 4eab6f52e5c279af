"""A turn's events on their way to whoever reads them: in order, the outcome exactly once and last."""

from __future__ import annotations

import asyncio
from collections import deque

from botkit.events import Outcome, TextDelta, ThinkingDelta, TurnEvent, TurnFailed, TurnFinished, TurnStarted, Waiting


class Feed:
    """An async iterator one side pushes to. After the outcome it takes nothing more."""

    def __init__(self) -> None:
        self.outcome: Outcome | None = None
        self.begun = False
        """Something was said or done, so that the turn cannot be tried again unnoticed."""
        self.answering = asyncio.Event()
        """The turn has begun to answer, or is over."""
        self._events: deque[tuple[TurnEvent, asyncio.Event | None]] = deque()
        self._dealing: asyncio.Event | None = None
        """Set when the reader has dealt with what it took last."""
        self._news = asyncio.Event()
        self._started = False

    async def offer(self, event: TurnEvent) -> bool:
        """Push an event and wait until the reader has dealt with it. False: the turn was over before."""
        if self.outcome:
            return False
        dealt = asyncio.Event()
        self.push(event, dealt)
        await dealt.wait()
        return True

    def push(self, event: TurnEvent, dealt: asyncio.Event | None = None) -> None:
        """`dealt` is set when the reader comes back for more."""
        if self.outcome:
            return
        if isinstance(event, TextDelta | ThinkingDelta):  # first, for these are most
            self.begun = True
        elif isinstance(event, TurnFinished | TurnFailed):
            self.outcome = event
        elif isinstance(event, TurnStarted):
            if self._started:
                return
            self._started = True
        elif not isinstance(event, Waiting):
            self.begun = True
        if self.begun or self.outcome:
            self.answering.set()
        self._events.append((event, dealt))
        self._news.set()

    def __aiter__(self) -> Feed:
        return self

    async def __anext__(self) -> TurnEvent:
        if self._dealing:
            self._dealing.set()
        while not self._events:
            if self.outcome:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        event, self._dealing = self._events.popleft()
        return event
