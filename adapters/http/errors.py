"""What a program is told when something is wrong: a status, a code, a sentence, the field; in the shape of its API."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import msgspec
from aiohttp import web

from botkit.events import TurnFailed, TurnFinished

Shape = Literal["openai", "anthropic", "native"]

_OPENAI: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_ANTHROPIC: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
_FAILED: Mapping[str, tuple[int, str]] = {
    "stopped": (409, "stopped"),
    "crashed": (502, "claude_crashed"),
    "silent": (504, "claude_silent"),
    "timeout": (504, "turn_timeout"),
    "api": (502, "model_unavailable"),
    "login": (503, "claude_not_logged_in"),
    "budget": (429, "budget_exceeded"),
    "missing": (503, "claude_unavailable"),
    "protocol": (502, "claude_protocol_error"),
    "interrupted": (503, "interrupted"),
    "gave_up": (502, "gave_up"),
    "schema": (422, "schema_not_followed"),
    "error": (503, "turn_failed"),
}
_SAID: Mapping[str, str] = {
    "login": "Claude Code is not logged in; an operator must give it valid credentials (`botkit doctor` helps)",
    "missing": "Claude Code cannot be started; botkit's log says why",
    "crashed": "Claude Code ended unexpectedly; botkit's log says how",
    "protocol": "Claude Code said something that botkit does not understand; botkit's log has it",
    "error": "the turn failed; botkit's log says why",
}
"""In place of details about the machine, or of words that ask for what nobody here can do."""
_SHORT: Mapping[str, str] = {"stopped": "the turn was stopped"}
"""Where there are no details."""
_REFUSED: Mapping[str, int] = {"rate_limited": 429, "queue_full": 429, "not_allowed": 403}


class HttpError(Exception):
    """An answer that is no success. `field` is the dotted path of what is wrong in the request, '' where it is not one.

    `retry_after`: seconds after which it may pass, 0 where waiting does not help.
    """

    def __init__(self, status: int, code: str, message: str, *, field: str = "", retry_after: float = 0.0) -> None:
        self.status, self.code, self.message, self.field = status, code, message, field
        self.retry_after = retry_after
        super().__init__(message)

    def body(self, shape: Shape) -> dict[str, object]:
        """What is sent, also as the error event of a stream."""
        match shape:
            case "openai":
                kind = _OPENAI.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
                said = {"message": self.message, "type": kind, "param": self.field or None, "code": self.code}
                return {"error": said}
            case "anthropic":
                kind = _ANTHROPIC.get(self.status, "invalid_request_error" if self.status < 500 else "api_error")
                text = f"{self.field}: {self.message}" if self.field else self.message
                return {"type": "error", "error": {"type": kind, "message": text}}
            case "native":
                said = {"code": self.code, "message": self.message}
                return {"error": said | ({"field": self.field} if self.field else {})}

    def response(self, shape: Shape) -> web.Response:
        headers = {"Retry-After": str(math.ceil(self.retry_after))} if self.retry_after else {}
        body = msgspec.json.encode(self.body(shape))
        return web.Response(status=self.status, body=body, headers=headers, content_type="application/json")


def not_found(what: str, *, field: str = "") -> HttpError:
    """For what is not there, and for what this key may not see: nobody can tell the two apart."""
    return HttpError(404, "not_found", f"there is no such {what}", field=field)


def outside_scope(what: str) -> HttpError:
    return HttpError(403, "not_in_scope", f"this API key may not use {what}")


def invalid(field: str, message: str, *, code: str = "invalid_request") -> HttpError:
    return HttpError(400, code, message, field=field)


def unsupported(field: str, message: str) -> HttpError:
    return HttpError(400, "unsupported_parameter", message, field=field)


def unavailable(message: str, *, code: str = "unavailable") -> HttpError:
    return HttpError(503, code, message, retry_after=1.0)


def of_outcome(outcome: TurnFinished | TurnFailed) -> HttpError | None:
    """The error a turn ended with; None when it was answered."""
    if isinstance(outcome, TurnFinished):
        if not outcome.refused:
            return None
        status = _REFUSED.get(outcome.refused, 400)
        return HttpError(status, outcome.refused, outcome.text, retry_after=outcome.retry_after)
    status, code = _FAILED[outcome.reason]
    waiting_helps = outcome.retryable or (status == 503 and outcome.reason != "login")
    retry_after = 1.0 if waiting_helps else 0.0
    return HttpError(status, code, reason(outcome), retry_after=retry_after)


def reason(failed: TurnFailed) -> str:
    """Why a turn failed, as far as a program may know: botkit's log has the details."""
    return _SAID.get(failed.reason) or failed.detail or _SHORT.get(failed.reason, f"the turn failed: {failed.reason}")
