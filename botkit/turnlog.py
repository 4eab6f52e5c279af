"""One turn, many readers: the numbered events of live and recent turns, for whoever wants to watch."""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from botkit.events import TextDelta, ThinkingDelta, TurnEvent, TurnFailed, TurnFinished
from botkit.model import Message

MAX_EVENTS = 5_000
"""Kept for each turn. Past it, the oldest half is folded: text deltas merge into one, thinking is dropped."""
RECENT = 200
"""Ended turns that can still be read."""


@dataclass(slots=True)
class _Line:
    """An event, or several text deltas folded into one."""

    number: int
    """Of the last event in it."""
    event: TurnEvent
    numbers: array[int] | None = None
    ends: array[int] | None = None
    """Of a folded line: the number of each delta, and where its text ends."""

    def since(self, number: int) -> TurnEvent:
        """What a reader that has everything before `number` has not seen of it."""
        if self.numbers is None or self.ends is None or not isinstance(self.event, TextDelta):
            return self.event
        known = bisect_left(self.numbers, number)
        return replace(self.event, text=self.event.text[self.ends[known - 1] :]) if known else self.event


class TurnLog:
    """The events of one turn, numbered from 0. Appending never waits for a reader."""

    def __init__(
        self,
        turn: str = "",
        asked: Message | None = None,
        session: str = "",
        on_end: Callable[[TurnLog], None] | None = None,
    ) -> None:
        """`turn` is its id, `asked` the message that began it, `session` the id of the session it belongs to."""
        self.turn, self.asked, self.session = turn, asked, session
        self._on_end = on_end
        self._lines: list[_Line] = []
        self._next = 0
        self._fold_at = MAX_EVENTS
        self._more = asyncio.Event()
        self.ended = False

    def append(self, event: TurnEvent) -> None:
        self._lines.append(_Line(self._next, event))
        self._next += 1
        if len(self._lines) > self._fold_at:
            self._fold()
        if not self.ended and isinstance(event, TurnFinished | TurnFailed):
            self.ended = True
            if self._on_end is not None:
                self._on_end(self)
        self._more.set()

    @property
    def events(self) -> Iterator[TurnEvent]:
        """What is kept of the turn so far, in order."""
        return (line.event for line in self._lines)

    def since(self, number: int) -> list[tuple[int, TurnEvent]]:
        """The events from `number` on that have come so far. A reader that is late gets the folded ones."""
        first = bisect_left(self._lines, number, key=lambda line: line.number)
        found: list[tuple[int, TurnEvent]] = []
        for line in self._lines[first:]:
            found.append((line.number, line.since(number)))
            number = line.number + 1
        return found

    async def more(self) -> None:
        """Wait for another event. Ask `since` before and after: it may have come meanwhile."""
        self._more.clear()
        await self._more.wait()

    async def read(self, since: int = 0) -> AsyncIterator[tuple[int, TurnEvent]]:
        """Events from number `since` on, until the outcome."""
        while True:
            found = self.since(since)
            for number, event in found:
                since = number + 1
                yield number, event
            if not found:
                if self.ended:
                    return
                await self.more()

    def _fold(self) -> None:
        half = len(self._lines) // 2
        kept = [line for line in self._lines[:half] if not isinstance(line.event, ThinkingDelta)]
        self._lines[:half] = [line for _, run in groupby(kept, _speaker) for line in _folded(list(run))]
        # What cannot be folded stays; it must not be looked at again with every event.
        self._fold_at = max(MAX_EVENTS, len(self._lines) + MAX_EVENTS // 2)


def _speaker(line: _Line) -> str | None:
    """Whose text it is; None for what is no text."""
    return line.event.parent if isinstance(line.event, TextDelta) else None


def _folded(run: list[_Line]) -> list[_Line]:
    """Text deltas of one speaker as one line; lines of anything else as they are."""
    said = [(line, line.event.text) for line in run if isinstance(line.event, TextDelta)]
    if not said:
        return run
    numbers, ends, before = array("Q"), array("Q"), 0
    for line, text in said:
        numbers.extend(line.numbers or [line.number])
        ends.extend(before + end for end in line.ends or [len(text)])
        before += len(text)
    whole = TextDelta("".join(text for _, text in said), _speaker(run[0]) or "")
    return [_Line(run[-1].number, whole, numbers, ends)]


class TurnLogs:
    """The logs of a bot's live turns and of the last few that ended."""

    def __init__(self) -> None:
        self._logs: dict[str, TurnLog] = {}
        self._ended: deque[TurnLog] = deque()
        self._sessions: dict[str, SessionTurns] = {}

    def open(self, turn: str, asked: Message | None = None, session: str = "") -> TurnLog:
        """The log of a turn that begins. `asked` is what began it, `session` where it happens."""
        log = self._logs[turn] = TurnLog(turn, asked, session, self._end)
        if session:
            self.session(session).append(log)
        return log

    def __getitem__(self, turn: str) -> TurnLog:
        return self._logs[turn]

    def session(self, session: str) -> SessionTurns:
        """The turns of a session; kept for as long as there are any or somebody holds it."""
        return self._sessions.setdefault(session, SessionTurns())

    def leave(self, session: str) -> None:
        """Whoever held it lets go."""
        turns = self._sessions.get(session)
        if turns is not None and not turns.logs and not turns.readers:
            del self._sessions[session]

    def _end(self, log: TurnLog) -> None:
        self._ended.append(log)
        if len(self._ended) > RECENT:
            self._drop(self._ended.popleft())

    def _drop(self, log: TurnLog) -> None:
        if self._logs.get(log.turn) is log:
            del self._logs[log.turn]
        turns = self._sessions.get(log.session)
        if turns is not None and log in turns.logs:
            turns.logs.remove(log)
            self.leave(log.session)


class SessionTurns:
    """The logs of one session's turns in their order, and news of the next one."""

    def __init__(self) -> None:
        self.logs: list[TurnLog] = []
        self.readers = 0
        self._more = asyncio.Event()

    def append(self, log: TurnLog) -> None:
        self.logs.append(log)
        self._more.set()

    def after(self, log: TurnLog | None) -> TurnLog | None:
        """The turn that follows; None while there is none. What was forgotten is followed by the oldest that is not."""
        if log is None or log not in self.logs:
            return next(iter(self.logs), None)
        at = self.logs.index(log) + 1
        return self.logs[at] if at < len(self.logs) else None

    async def more(self) -> None:
        """Wait for another turn. Ask `after` before and after."""
        self._more.clear()
        await self._more.wait()
