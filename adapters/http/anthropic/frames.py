"""The events of a streamed message in Anthropic's shape, as bytes."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from adapters.http.errors import HttpError
from adapters.http.extension import extension
from adapters.http.sent_files import extra
from adapters.http.streaming import rest
from botkit.events import TextDelta, ThinkingDelta, TurnEvent, TurnFinished, Usage

_encode = msgspec.json.encode
_TEXT = b'{"type":"text","text":""}'
_THINKING = b'{"type":"thinking","thinking":"","signature":""}'


class Frames:
    """Implements `Encoder`. `whole`: nothing is shown before the end, for half of a JSON text is none."""

    def __init__(self, model: str, show: Collection[str], *, whole: bool, session: bool) -> None:
        self._model, self._whole, self._session = model, whole, session
        self._thinking, self._tools = "thinking" in show, "tools" in show
        self._index = -1
        self._open = b""
        """The kind of the content block that is open."""

    def begin(self, turn: str) -> bytes:
        message: dict[str, object] = {
            "id": f"msg_{turn}",
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage(Usage()),
        }
        return frame("message_start", {"type": "message_start", "message": message})

    def events(self, batch: list[TurnEvent]) -> bytes:
        return b"".join([each for event in batch if (each := self._event(event))])

    def end(self, finished: TurnFinished, streamed: str) -> bytes:
        missing = finished.text if self._whole else rest(finished, streamed)
        parts = [self._text(missing)] if missing or self._index < 0 else []
        delta = {"stop_reason": "end_turn", "stop_sequence": None}
        files = extra(finished.files, session=self._session)
        more = {"claude": files} if files else {}
        ended = {"type": "message_delta", "delta": delta, "usage": usage(finished.usage), **more}
        parts += [self._close(), frame("message_delta", ended), frame("message_stop", {"type": "message_stop"})]
        return b"".join(parts)

    def error(self, problem: HttpError) -> bytes:
        return frame("error", problem.body("anthropic"))

    def _event(self, event: TurnEvent) -> bytes:
        match event:
            case TextDelta(text=text, parent=""):
                return b"" if self._whole else self._text(text)
            case ThinkingDelta(text=text, parent="") if self._thinking:
                return self._block(_THINKING) + self._delta(b'{"type":"thinking_delta","thinking":' + _encode(text))
            case _ if self._tools and (shown := extension(event)):
                return frame("claude", shown)
            case _:
                return b""

    def _text(self, text: str) -> bytes:
        return self._block(_TEXT) + self._delta(b'{"type":"text_delta","text":' + _encode(text))

    def _delta(self, delta: bytes) -> bytes:
        return b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":%b}}\n\n' % (
            self._index,
            delta,
        )

    def _block(self, kind: bytes) -> bytes:
        """Open a block of this kind, unless it is open."""
        if self._open == kind:
            return b""
        closed = self._close()
        self._index, self._open = self._index + 1, kind
        start = b'event: content_block_start\ndata: {"type":"content_block_start","index":%d,"content_block":%b}\n\n'
        return closed + start % (self._index, kind)

    def _close(self) -> bytes:
        if not self._open:
            return b""
        self._open = b""
        return frame("content_block_stop", {"type": "content_block_stop", "index": self._index})


def frame(name: str, data: object) -> bytes:
    """One server-sent event with a name."""
    return b"event: " + name.encode() + b"\ndata: " + _encode(data) + b"\n\n"


def usage(used: Usage) -> dict[str, int]:
    return {
        "input_tokens": used.input_tokens,
        "output_tokens": used.output_tokens,
        "cache_creation_input_tokens": used.cache_write_tokens,
        "cache_read_input_tokens": used.cache_read_tokens,
    }
