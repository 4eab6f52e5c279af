"""Watching a session: the events of its turns, one turn after the other, from where a reader was."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from botkit.events import TurnEvent
from botkit.model import Message
from botkit.turnlog import SessionTurns, TurnLog, TurnLogs

_ALL = 1 << 62
"""Behind the last event of a turn."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One event of a session, or, with no event, the beginning of a turn."""

    turn: str
    number: int
    """Of the event in its turn, from 0; -1 is the beginning."""
    event: TurnEvent | None
    asked: Message | None = None
    """What began the turn, where it begins."""

    @property
    def position(self) -> str:
        """Where a reader that has seen this goes on."""
        return f"{self.turn}:{self.number}"


class Watch:
    """A reader of one session. It never holds anybody up: one that is late gets folded events."""

    def __init__(self, turns: SessionTurns, log: TurnLog | None, next: int) -> None:
        self._turns, self._log, self._next = turns, log, next

    async def take(self, seconds: float) -> list[Seen]:
        """All that has come since the last look; [] after so many silent seconds."""
        try:
            async with asyncio.timeout(seconds):
                while not (seen := self._new()):
                    await (self._turns.more() if self._log is None or self._log.ended else self._log.more())
                return seen
        except TimeoutError:
            return []

    def _new(self) -> list[Seen]:
        seen: list[Seen] = []
        while True:
            if self._log is not None:
                for number, event in self._log.since(self._next):
                    seen.append(Seen(self._log.turn, number, event))
                    self._next = number + 1
                if not self._log.ended:
                    return seen
            following = self._turns.after(self._log)
            if following is None:
                return seen
            self._log, self._next = following, 0
            seen.append(Seen(following.turn, -1, None, following.asked))


@contextmanager
def watching(logs: TurnLogs, session: str, since: str = "") -> Generator[Watch]:
    """Watch a session: what runs from its beginning, and what follows; or from the position `since` on.

    Raises KeyError for a position that is no longer known, ValueError for one that never was.
    """
    turns = logs.session(session)
    turns.readers += 1
    try:
        yield _at(turns, since)
    finally:
        turns.readers -= 1
        logs.leave(session)


def _at(turns: SessionTurns, since: str) -> Watch:
    if not since:
        last = turns.logs[-1] if turns.logs else None
        if last is None or last.ended:
            return Watch(turns, last, _ALL)
        return Watch(turns, turns.logs[-2] if len(turns.logs) > 1 else None, _ALL)
    turn, _, number = since.rpartition(":")
    if not turn or not number.removeprefix("-").isdecimal():
        raise ValueError(f"not a position: {since!r}")
    found = next((log for log in turns.logs if log.turn == turn), None)
    if found is None:
        raise KeyError(since)
    return Watch(turns, found, int(number) + 1)
