"""The events of a streamed answer in botkit's plainest shape: text, done, error."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from adapters.http.api.answers import Told
from adapters.http.errors import HttpError
from adapters.http.extension import extension
from adapters.http.sent_files import SentFile, sent_files
from adapters.http.streaming import rest
from botkit.events import TextDelta, ThinkingDelta, TurnEvent, TurnFinished

_encode = msgspec.json.encode


class Reply(Told):
    """The answer."""

    text: str
    user_id: str
    session_id: str
    """For `/session/{id}/history`."""
    cost: float
    """US dollars."""
    files: list[SentFile]
    """Those that Claude sent."""


class TextFrames:
    """Implements `Encoder`."""

    def __init__(self, user: str, show: Collection[str]) -> None:
        self._user = user
        self._thinking, self._tools = "thinking" in show, "tools" in show

    def begin(self, turn: str) -> bytes:
        return b"event: start\ndata: " + _encode({"id": turn, "user_id": self._user}) + b"\n\n"

    def events(self, batch: list[TurnEvent]) -> bytes:
        return b"".join([each for event in batch if (each := self._event(event))])

    def end(self, finished: TurnFinished, streamed: str) -> bytes:
        missing = rest(finished, streamed)
        done = b"event: done\ndata: " + reply(finished, self._user).model_dump_json().encode() + b"\n\n"
        return (_text(b"text", missing) if missing else b"") + done

    def error(self, problem: HttpError) -> bytes:
        return b"event: error\ndata: " + _encode(problem.body("native")) + b"\n\n"

    def _event(self, event: TurnEvent) -> bytes:
        match event:
            case TextDelta(text=text, parent=""):
                return _text(b"text", text)
            case ThinkingDelta(text=text, parent="") if self._thinking:
                return _text(b"thinking", text)
            case _ if self._tools and (shown := extension(event)):
                return b"event: tool\ndata: " + _encode(shown) + b"\n\n"
            case _:
                return b""


def reply(finished: TurnFinished, user: str) -> Reply:
    return Reply(
        text=finished.text,
        user_id=user,
        session_id=finished.session,
        cost=finished.usage.cost,
        files=sent_files(finished.files),
    )


def _text(name: bytes, text: str) -> bytes:
    return b"event: " + name + b'\ndata: {"text":' + _encode(text) + b"}\n\n"
