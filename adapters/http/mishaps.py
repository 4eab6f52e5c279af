"""What a program is told when something goes wrong in botkit itself: that it did, and where its operator reads why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from adapters.http.errors import HttpError, unavailable
from botkit.errors import StoreError

if TYPE_CHECKING:
    from adapters.http.call import Call

log = structlog.get_logger("botkit")


def mishap(call: Call, problem: Exception) -> HttpError:
    """The error to answer with. What nobody expected goes to the log with its traceback, and no word of it goes out."""
    match problem:
        case HttpError():
            return problem
        case StoreError():
            log.warning("gateway_not_stored", request=call.id, endpoint=call.endpoint.name, problem=str(problem))
            return unavailable("botkit is stopping or its store does not answer")
        case web.HTTPException():
            return HttpError(problem.status, "invalid_request", problem.reason)
        case _:
            log.error("request_failed", request=call.id, endpoint=call.endpoint.name, exc_info=problem)
            said = f"something went wrong in botkit; its log says what, under the request {call.id}"
            return HttpError(500, "internal_error", said)
