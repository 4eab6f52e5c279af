"""A response object, and the events in which it streams."""

from __future__ import annotations

import msgspec

from adapters.http.call import Call
from adapters.http.errors import HttpError
from adapters.http.extension import extension
from adapters.http.openai.chain import Chain
from adapters.http.openai.responses_schema import ResponsesRequest
from adapters.http.sent_files import extra
from adapters.http.streaming import rest
from botkit.events import TextDelta, TurnEvent, TurnFinished, Usage

_encode = msgspec.json.encode


class ResponseFrames:
    """Implements `Encoder`. `whole`: nothing is shown before the end, for half of a JSON text is none."""

    def __init__(self, call: Call, body: ResponsesRequest, place: Chain, *, whole: bool) -> None:
        self._call, self._body, self._place, self._whole = call, body, place, whole
        self._tools = "tools" in body.claude.show
        self._turn, self._number = "", -1

    def response(
        self, turn: str, status: str, finished: TurnFinished | None = None, problem: HttpError | None = None
    ) -> dict[str, object]:
        body = self._body
        more = extra(finished.files, session=bool(self._place.session)) if finished else {}
        return {
            "id": self._place.id(turn),
            "object": "response",
            "created_at": self._call.created,
            "status": status,
            "error": {"code": problem.code, "message": problem.message} if problem else None,
            "incomplete_details": None,
            "instructions": body.instructions,
            "max_output_tokens": body.max_output_tokens,
            "metadata": body.metadata or {},
            "model": body.model,
            "output": [_item(turn, finished.text)] if finished else [],
            "parallel_tool_calls": False,
            "previous_response_id": body.previous_response_id,
            "store": bool(self._place.session),
            "temperature": None,
            "tool_choice": "none",
            "tools": [],
            "top_p": None,
            "truncation": "disabled",
            "usage": _usage(finished.usage) if finished else None,
            "user": body.user,
            **({"claude": more} if more else {}),
        }

    def begin(self, turn: str) -> bytes:
        self._turn = turn
        item: dict[str, object] = {**_item(turn, "", status="in_progress"), "content": ()}
        return b"".join(
            (
                self._frame("response.created", response=self.response(turn, "in_progress")),
                self._frame("response.in_progress", response=self.response(turn, "in_progress")),
                self._frame("response.output_item.added", output_index=0, item=item),
                self._frame("response.content_part.added", **self._place_of_text(), part=_part("")),
            )
        )

    def events(self, batch: list[TurnEvent]) -> bytes:
        return b"".join([each for event in batch if (each := self._event(event))])

    def end(self, finished: TurnFinished, streamed: str) -> bytes:
        missing = finished.text if self._whole else rest(finished, streamed)
        text, where = finished.text, self._place_of_text()
        return b"".join(
            (
                self._delta(missing) if missing else b"",
                self._frame("response.output_text.done", **where, text=text, logprobs=[]),
                self._frame("response.content_part.done", **where, part=_part(text)),
                self._frame("response.output_item.done", output_index=0, item=_item(self._turn, text)),
                self._frame("response.completed", response=self.response(self._turn, "completed", finished)),
            )
        )

    def error(self, problem: HttpError) -> bytes:
        return self._frame("response.failed", response=self.response(self._turn, "failed", problem=problem))

    def _event(self, event: TurnEvent) -> bytes:
        match event:
            case TextDelta(text=text, parent=""):
                return b"" if self._whole else self._delta(text)
            case _ if self._tools and (shown := extension(event)):
                return self._frame("response.claude", claude=shown)
            case _:
                return b""

    def _delta(self, text: str) -> bytes:
        return self._frame("response.output_text.delta", **self._place_of_text(), delta=text, logprobs=[])

    def _place_of_text(self) -> dict[str, object]:
        return {"item_id": f"msg_{self._turn}", "output_index": 0, "content_index": 0}

    def _frame(self, type: str, **data: object) -> bytes:
        self._number += 1
        body = _encode({"type": type, "sequence_number": self._number, **data})
        return b"event: " + type.encode() + b"\ndata: " + body + b"\n\n"


def _item(turn: str, text: str, *, status: str = "completed") -> dict[str, object]:
    return {"type": "message", "id": f"msg_{turn}", "status": status, "role": "assistant", "content": [_part(text)]}


def _part(text: str) -> dict[str, object]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _usage(used: Usage) -> dict[str, object]:
    given = used.input_tokens + used.cache_read_tokens + used.cache_write_tokens
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": used.cache_read_tokens},
        "output_tokens": used.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": given + used.output_tokens,
    }
