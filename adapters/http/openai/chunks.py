"""The chunks of a streamed chat completion, as bytes: most of each is the same, so it is written once."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from adapters.http.call import Call
from adapters.http.errors import HttpError
from adapters.http.extension import extension
from adapters.http.sent_files import extra
from adapters.http.streaming import rest
from botkit.events import TextDelta, ThinkingDelta, TurnEvent, TurnFinished, Usage

DONE = b"data: [DONE]\n\n"

_encode = msgspec.json.encode


class Chunks:
    """Implements `Encoder`. `whole`: nothing is shown before the end, for half of a JSON text is none."""

    def __init__(
        self, call: Call, model: str, show: Collection[str], *, usage: bool, whole: bool, session: bool
    ) -> None:
        self._call, self._model, self._usage, self._whole, self._session = call, model, usage, whole, session
        self._thinking, self._tools = "thinking" in show, "tools" in show
        self._head = b""

    def begin(self, turn: str) -> bytes:
        head = {"id": f"chatcmpl-{turn}", "object": "chat.completion.chunk", "created": self._call.created}
        self._head = b"data: " + _encode(head | {"model": self._model})[:-1] + b',"choices":'
        return self._delta(b'{"role":"assistant","content":""}')

    def events(self, batch: list[TurnEvent]) -> bytes:
        return b"".join([each for event in batch if (each := self._event(event))])

    def end(self, finished: TurnFinished, streamed: str) -> bytes:
        missing = finished.text if self._whole else rest(finished, streamed)
        parts = [self._delta(b'{"content":' + _encode(missing) + b"}")] if missing else []
        files = extra(finished.files, session=self._session)
        more = b',"claude":' + _encode(files) if files else b""
        last = b'[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]'
        parts.append(self._head + last + more + self._null())
        if self._usage:
            parts.append(self._head + b'[],"usage":' + _encode(usage(finished.usage)) + b"}\n\n")
        return b"".join([*parts, DONE])

    def error(self, problem: HttpError) -> bytes:
        return b"data: " + _encode(problem.body("openai")) + b"\n\n"

    def _event(self, event: TurnEvent) -> bytes:
        match event:
            case TextDelta(text=text, parent=""):
                return b"" if self._whole else self._delta(b'{"content":' + _encode(text) + b"}")
            case ThinkingDelta(text=text, parent="") if self._thinking:
                return self._delta(b'{"reasoning_content":' + _encode(text) + b"}")
            case _ if self._tools and (shown := extension(event)):
                return self._head + b'[],"claude":' + _encode(shown) + self._null()
            case _:
                return b""

    def _delta(self, delta: bytes) -> bytes:
        return b"".join(
            (self._head, b'[{"index":0,"delta":', delta, b',"logprobs":null,"finish_reason":null}]', self._null())
        )

    def _null(self) -> bytes:
        return b',"usage":null}\n\n' if self._usage else b"}\n\n"


def usage(used: Usage) -> dict[str, object]:
    prompt = used.input_tokens + used.cache_read_tokens + used.cache_write_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": used.output_tokens,
        "total_tokens": prompt + used.output_tokens,
        "prompt_tokens_details": {"cached_tokens": used.cache_read_tokens},
    }
