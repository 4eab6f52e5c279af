"""Requests that may be sent twice: with the same `Idempotency-Key` they are carried out once, and answered alike.

A request that asks Claude is bound to its run before anything begins, and the run is written down together with the
message that begins it. So whenever its process dies, a repeat finds the run and is answered with what became of it, or
finds none and begins it: it can be begun only once, for a message is admitted once.
"""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import replace

from aiohttp import web

from adapters.http.api.run_shape import as_it_is
from adapters.http.call import Call
from adapters.http.errors import HttpError, invalid
from adapters.http.starting import HEADER, IN_PROGRESS, Repeated, in_progress
from botkit.runs import Repeatable, Run

KEPT = 86_400.0
"""Seconds for which a request is answered as it was the first time."""
AT_WORK = 60.0
"""Seconds after which a request that asks nothing of Claude and was never answered may be sent anew: long enough to
copy what Claude remembers."""
BODY = 1024 * 1024
"""Bytes of an answer that is kept; a longer one is not given twice."""
_NAME = re.compile(r"[\x21-\x7e]{1,255}")


async def once(call: Call) -> web.StreamResponse:
    """Carry the call out, unless that was done. Raises HttpError: 409 while it is at work, 422 for another request
    under the same name."""
    name = call.request.headers.get(HEADER)
    if name is None:
        return await call.endpoint.handler(call)
    if not _NAME.fullmatch(name):
        raise invalid(HEADER, "expected 1 to 255 printable characters, without spaces")
    runs, now = call.gateway.house.store.runs, time.time()
    seconds = KEPT if call.endpoint.again is not None else AT_WORK
    request = Repeatable(call.key.id, name, _fingerprint(call), now, now + seconds, call.run)
    earlier = await runs.claim(request)
    if earlier is not None:
        if earlier.fingerprint != request.fingerprint:
            raise HttpError(422, "idempotency_key_reused", "this key was used for another request", field=HEADER)
        if earlier.status:
            return _replayed(call, earlier)
        if call.endpoint.again is None:
            raise in_progress()
        call.run = earlier.run
        if (run := await runs.get(call.run)) is not None:
            return await _again(call, run)
    try:
        return await _carried_out(call, request)
    except Repeated as repeated:
        return await _again(call, repeated.run)
    except HttpError as problem:
        if earlier is None and problem.code != IN_PROGRESS and await runs.get(call.run) is None:
            # Nothing came of it: it may be sent again, and be another.
            await runs.forget(request.key, request.name)
        raise


async def _carried_out(call: Call, request: Repeatable) -> web.StreamResponse:
    runs = call.gateway.house.store.runs
    response = await call.endpoint.handler(call)
    if call.endpoint.again is not None:
        return response  # its run answers the repeats
    body = response.body if isinstance(response, web.Response) else None
    if not isinstance(body, bytes) or len(body) > BODY:
        await runs.forget(request.key, request.name)
        return response
    expires = time.time() + KEPT
    await runs.answer(
        replace(request, expires=expires, status=response.status, media_type=response.content_type, body=body)
    )
    return response


async def _again(call: Call, run: Run) -> web.StreamResponse:
    assert call.endpoint.again is not None, "only such requests begin runs"
    call.headers["Idempotency-Replayed"] = "true"
    return await call.endpoint.again(call, await as_it_is(call, run))


def _replayed(call: Call, earlier: Repeatable) -> web.Response:
    call.headers["Idempotency-Replayed"] = "true"
    return web.Response(status=earlier.status, body=earlier.body, content_type=earlier.media_type)


def _fingerprint(call: Call) -> str:
    what = hashlib.sha256(f"{call.request.method} {call.request.raw_path}\n".encode())
    what.update(call.raw)
    return what.hexdigest()
