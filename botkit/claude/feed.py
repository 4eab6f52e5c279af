"""A turn's events on their way to whoever reads them: in order, the outcome exactly once and last.

Pieces of text that nobody has read yet become one, so that a late reader has less to read.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace

from botkit.events import Outcome, TextDelta, ThinkingDelta, TurnEvent, TurnFailed, TurnFinished, TurnStarted, Waiting


class Feed:
    """An async iterator one side pushes to and one reads. After the outcome it takes nothing more."""

    def __init__(self) -> None:
        self.outcome: Outcome | None = None
        self.begun = False
        """Something was said or done, so that the turn cannot be tried again unnoticed."""
        self.answering = asyncio.Event()
        """The turn has begun to answer, or is over."""
        self._events: deque[tuple[TurnEvent, asyncio.Event | None]] = deque()
        self._more: list[str] = []
        """Text that belongs to the last of them."""
        self._dealing: asyncio.Event | None = None
        """Set when the reader has dealt with what it took last."""
        self._waiting: asyncio.Future[None] | None = None
        """The reader, while there is nothing to read."""
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
            if self._joins(event):
                return
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
        self._join()
        self._events.append((event, dealt))
        if self._waiting and not self._waiting.done():
            self._waiting.set_result(None)

    def __aiter__(self) -> Feed:
        return self

    async def __anext__(self) -> TurnEvent:
        if self._dealing:
            self._dealing.set()
        while not self._events:
            if self.outcome:
                raise StopAsyncIteration
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        if len(self._events) == 1:
            self._join()
        event, self._dealing = self._events.popleft()
        return event

    def _joins(self, event: TextDelta | ThinkingDelta) -> bool:
        """Whether it goes on with what is still unread."""
        last = self._events[-1][0] if self._events else None
        if isinstance(last, TextDelta | ThinkingDelta) and type(last) is type(event) and last.parent == event.parent:
            self._more.append(event.text)
            return True
        return False

    def _join(self) -> None:
        if self._more:
            last, dealt = self._events[-1]
            assert isinstance(last, TextDelta | ThinkingDelta)
            self._events[-1] = replace(last, text="".join((last.text, *self._more))), dealt
            self._more.clear()
