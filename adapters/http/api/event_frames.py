"""A turn as server-sent events, as everybody else who watches its session sees it."""

from __future__ import annotations

import msgspec

from adapters.http.errors import HttpError
from adapters.http.live import encode
from adapters.http.live.events import frames
from botkit.bot import Bot
from botkit.events import TurnEvent, TurnFinished
from botkit.turnlog import TurnLog
from botkit.watching import Seen


class EventFrames:
    """Implements `Encoder`. Each event's id is its position, with which `/events` goes on.

    What happens before the turn has begun (it waits for its place) has none.
    """

    def __init__(self, bot: Bot, session: str) -> None:
        self._bot, self._session = bot, session
        self._turn = ""
        self._log: TurnLog | None = None
        self._next = 0

    def begin(self, turn: str) -> bytes:
        self._turn = turn
        return _frame("turn", {"type": "turn", "turn": turn, "session": self._session})

    def events(self, batch: list[TurnEvent]) -> bytes:
        return b"".join([self._event(event) for event in batch if not isinstance(event, TurnFinished)])

    def end(self, finished: TurnFinished, streamed: str) -> bytes:
        del streamed  # the outcome's text is what counts
        return self._event(finished)

    def error(self, problem: HttpError) -> bytes:
        return _frame("error", {"type": "error", **problem.body("native")})

    def _event(self, event: TurnEvent) -> bytes:
        if self._log is None:
            self._find(event)
        if self._log is None:
            told = {**encode.event(event), "turn": self._turn}
            return _frame(str(told["type"]), told)
        number, self._next = self._next, self._next + 1
        return frames([Seen(self._turn, number, event)])

    def _find(self, event: TurnEvent) -> None:
        """The turn's log begins with its first event; what came before is not in it."""
        try:
            log = self._bot.logs[self._turn]
        except KeyError:
            return
        if next(iter(log.events), None) is event:
            self._log = log


def _frame(name: str, body: dict[str, object]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(body))
