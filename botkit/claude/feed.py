"""A turn's events on their way to whoever reads them: in order, the outcome exactly once and last."""

from __future__ import annotations

import asyncio
from collections import deque

from botkit.events import Outcome, TurnEvent, TurnFailed, TurnFinished, TurnStarted, Waiting


class Feed:
    """An async iterator one side pushes to. After the outcome it takes nothing more."""

    def __init__(self) -> None:
        self.outcome: Outcome | None = None
        self.begun = False
        """Something was said or done, so that the turn cannot be tried again unnoticed."""
        self._events: deque[TurnEvent] = deque()
        self._news = asyncio.Event()
        self._started = False

    def push(self, event: TurnEvent) -> None:
        if self.outcome:
            return
        match event:
            case TurnFinished() | TurnFailed():
                self.outcome = event
            case TurnStarted():
                if self._started:
                    return
                self._started = True
            case Waiting():
                pass
            case _:
                self.begun = True
        self._events.append(event)
        self._news.set()

    def __aiter__(self) -> Feed:
        return self

    async def __anext__(self) -> TurnEvent:
        while not self._events:
            if self.outcome:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._events.popleft()
