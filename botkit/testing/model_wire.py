"""The Messages API as the loopback model speaks it: a message built block by block, as events or as one body."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from uuid import uuid4

import msgspec

from botkit.testing.model_script import Text, Think, Tool

KIND = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}

Event = dict[str, object]


def sse(event: Mapping[str, object]) -> bytes:
    return b"event: " + str(event["type"]).encode() + b"\ndata: " + msgspec.json.encode(event) + b"\n\n"


def error(status: int, message: str = "") -> Event:
    told = message or f"The loopback model was told to answer {status}."
    return {"type": "error", "error": {"type": KIND.get(status, "api_error"), "message": told}}


class Builder:
    """One assistant message: the stream events of each step, and what they add up to."""

    def __init__(self, model: str, heard: int, chars: int) -> None:
        """`heard` characters were read; `chars` make a token, 0: nothing is counted."""
        self.id = f"msg_{uuid4().hex[:24]}"
        self._model, self._heard, self._per_token = model, heard, chars
        self._content: list[Event] = []
        self._chars = 0
        self._stop = "end_turn"

    @property
    def message(self) -> Event:
        """The whole message, as a request that does not stream gets it."""
        return {**self._head(), "content": self._content, "stop_reason": self._stop, "usage": self._usage()}

    def start(self) -> Event:
        return {"type": "message_start", "message": {**self._head(), "content": [], "usage": self._usage()}}

    def events(self, step: Text | Think | Tool) -> Iterator[Event]:
        """A step as stream events."""
        return self._call(step) if isinstance(step, Tool) else self._say(step)

    def _say(self, step: Text | Think) -> Iterator[Event]:
        """The events of a text or a thinking block, one delta for each piece."""
        kind = "text" if isinstance(step, Text) else "thinking"
        block: Event = {"type": kind, kind: ""}
        if kind == "thinking":
            block["signature"] = ""
        yield self._open(block)
        for piece in step.pieces:
            self._chars += len(piece)
            yield self._delta({"type": f"{kind}_delta", kind: piece})
        self._content[-1] = block | {kind: "".join(step.pieces)}
        if kind == "thinking":
            self._content[-1]["signature"] = "bG9vcGJhY2s="
            yield self._delta({"type": "signature_delta", "signature": "bG9vcGJhY2s="})
        yield self._close()

    def _call(self, step: Tool) -> Iterator[Event]:
        """The events of a tool call; its input comes in pieces."""
        self._stop = "tool_use"
        block: Event = {"type": "tool_use", "id": f"toolu_{uuid4().hex[:24]}", "name": step.name, "input": {}}
        yield self._open(block)
        given = msgspec.json.encode(step.input).decode()
        for piece in _pieces(given, 4096):
            self._chars += len(piece)
            yield self._delta({"type": "input_json_delta", "partial_json": piece})
        self._content[-1] = block | {"input": dict(step.input)}
        yield self._close()

    def end(self) -> Sequence[Event]:
        delta: Event = {"stop_reason": self._stop, "stop_sequence": None}
        return [{"type": "message_delta", "delta": delta, "usage": self._usage()}, {"type": "message_stop"}]

    def _open(self, block: Event) -> Event:
        self._content.append(block)
        return {"type": "content_block_start", "index": len(self._content) - 1, "content_block": block}

    def _delta(self, delta: Event) -> Event:
        return {"type": "content_block_delta", "index": len(self._content) - 1, "delta": delta}

    def _close(self) -> Event:
        return {"type": "content_block_stop", "index": len(self._content) - 1}

    def _head(self) -> Event:
        head: Event = {"id": self.id, "type": "message", "role": "assistant", "model": self._model}
        return head | {"stop_reason": None, "stop_sequence": None}

    def _usage(self) -> Event:
        per_token = self._per_token
        spent = (self._heard // per_token, max(1, self._chars // per_token)) if per_token else (0, 0)
        usage: Event = {"input_tokens": spent[0], "output_tokens": spent[1]}
        return usage | {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}


def _pieces(text: str, size: int) -> Iterator[str]:
    return (text[start : start + size] for start in range(0, len(text), size))
