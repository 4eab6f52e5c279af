"""A turn's events on their way to whoever reads them: in order, the outcome exactly once and last.

Pieces of text that nobody has read yet become one, so that a late reader has less to read.
"""

from __future__ import annotations

import asyncio
from collections import deque

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
        self._text: TextDelta | ThinkingDelta | None = None
        """What comes after them, if it is text; it goes on with `_more`."""
        self._more: list[str] = []
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
            self._say(event)
            return
        if isinstance(event, TurnFinished | TurnFailed):
            self.outcome = event
        elif isinstance(event, TurnStarted):
            if self._started:
                return
            self._started = True
        elif not isinstance(event, Waiting):
            self.begun = True
        if self.begun or self.outcome:
            self.answering.set()
        if self._text:
            self._events.append((self._said(self._text), None))
        self._events.append((event, dealt))
        self._wake()

    def __aiter__(self) -> Feed:
        return self

    async def __anext__(self) -> TurnEvent:
        if self._dealing:
            self._dealing.set()
            self._dealing = None
        while True:
            if self._events:
                event, self._dealing = self._events.popleft()
                return event
            if self._text:
                return self._said(self._text)
            if self.outcome:
                raise StopAsyncIteration
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting

    def _say(self, event: TextDelta | ThinkingDelta) -> None:
        last = self._text
        if last is not None:
            if type(last) is type(event) and last.parent == event.parent:
                self._more.append(event.text)
                return
            self._events.append((self._said(last), None))
        self._text = event
        if not self.begun:
            self.begun = True
            self.answering.set()
        self._wake()

    def _said(self, text: TextDelta | ThinkingDelta) -> TextDelta | ThinkingDelta:
        """All of the text that nobody has read yet."""
        self._text = None
        if self._more:
            text = type(text)("".join((text.text, *self._more)), text.parent)
            self._more.clear()
        return text

    def _wake(self) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_result(None)
