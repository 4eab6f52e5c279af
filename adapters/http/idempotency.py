"""Requests that may be sent twice: with the same `Idempotency-Key` they are carried out once, and answered alike."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import replace

from aiohttp import web

from adapters.http.call import Call
from adapters.http.errors import HttpError, invalid
from botkit.runs import Repeatable

HEADER = "Idempotency-Key"
KEPT = 86_400.0
"""Seconds for which an answer is given again."""
SLACK = 60.0
"""Seconds beyond the longest request after which one that was never answered may be sent anew."""
BODY = 1024 * 1024
"""Bytes of an answer that is kept; a longer one is not given twice."""
_NAME = re.compile(r"[\x21-\x7e]{1,255}")


async def once(call: Call) -> web.StreamResponse:
    """Carry the call out, unless that was done. Raises HttpError: 409 while it is at work, 422 for another request
    under the same name."""
    name = call.request.headers.get(HEADER, "")
    if not name:
        return await call.endpoint.handler(call)
    if not _NAME.fullmatch(name):
        raise invalid(HEADER, "expected at most 255 printable characters, without spaces")
    runs, now = call.gateway.house.store.runs, time.time()
    at_work = call.gateway.settings.request_time + SLACK
    request = Repeatable(call.key.id, name, _fingerprint(call), now, now + at_work)
    earlier = await runs.claim(request)
    if earlier is not None:
        return _again(earlier, request)
    try:
        response = await call.endpoint.handler(call)
    except BaseException:
        # Nothing came of it: it may be sent again.
        await runs.forget(call.key.id, name)
        raise
    body = response.body if isinstance(response, web.Response) else None
    if not isinstance(body, bytes) or len(body) > BODY:
        await runs.forget(call.key.id, name)
        return response
    expires = time.time() + KEPT
    known = replace(request, expires=expires, status=response.status, media_type=response.content_type, body=body)
    await runs.answer(known)
    return response


def _again(earlier: Repeatable, request: Repeatable) -> web.Response:
    if earlier.fingerprint != request.fingerprint:
        raise HttpError(422, "idempotency_key_reused", "this key was used for another request", field=HEADER)
    if not earlier.status:
        raise HttpError(409, "in_progress", "this request is being carried out", field=HEADER, retry_after=1.0)
    headers = {"Idempotency-Replayed": "true"}
    return web.Response(status=earlier.status, body=earlier.body, content_type=earlier.media_type, headers=headers)


def _fingerprint(call: Call) -> str:
    what = hashlib.sha256(f"{call.request.method} {call.request.raw_path}\n".encode())
    what.update(call.raw)
    return what.hexdigest()
