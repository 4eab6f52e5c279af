"""One turn, many readers: the numbered events of live and recent turns, for whoever wants to watch."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator

from botkit.events import TextDelta, ThinkingDelta, TurnEvent, TurnFailed, TurnFinished

MAX_EVENTS = 5_000
"""Kept for each turn. Past it, the oldest half is folded: text deltas merge into one, thinking is dropped."""
RECENT = 200
"""Ended turns that can still be read."""


class TurnLog:
    """The events of one turn, numbered from 0. Appending never waits for a reader."""

    def __init__(self) -> None:
        self._events: list[tuple[int, TurnEvent]] = []
        self._next = 0
        self._more = asyncio.Event()
        self.ended = False

    def append(self, event: TurnEvent) -> None:
        self._events.append((self._next, event))
        self._next += 1
        if len(self._events) > MAX_EVENTS:
            self._fold()
        self.ended = isinstance(event, TurnFinished | TurnFailed)
        self._more.set()

    async def read(self, since: int = 0) -> AsyncIterator[tuple[int, TurnEvent]]:
        """Events from number `since` on, until the outcome. A reader that is late gets the folded events."""
        while True:
            for number, event in [pair for pair in self._events if pair[0] >= since]:
                since = number + 1
                yield number, event
            if since >= self._next:
                if self.ended:
                    return
                self._more.clear()
                await self._more.wait()

    def _fold(self) -> None:
        half = len(self._events) // 2
        folded: list[tuple[int, TurnEvent]] = []
        for number, event in self._events[:half]:
            last = folded[-1][1] if folded else None
            if isinstance(event, ThinkingDelta):
                continue
            if isinstance(event, TextDelta) and isinstance(last, TextDelta) and last.parent == event.parent:
                folded[-1] = (number, TextDelta(last.text + event.text, event.parent))
            else:
                folded.append((number, event))
        self._events[:half] = folded


class TurnLogs:
    """The logs of a bot's live turns and of the last few that ended."""

    def __init__(self) -> None:
        self._logs: OrderedDict[str, TurnLog] = OrderedDict()

    def open(self, turn: str) -> TurnLog:
        log = TurnLog()
        self._logs[turn] = log
        self._logs.move_to_end(turn)
        ended = [id for id, old in self._logs.items() if old.ended]
        for id in ended[: max(0, len(ended) - RECENT)]:
            del self._logs[id]
        return log

    def __getitem__(self, turn: str) -> TurnLog:
        return self._logs[turn]
