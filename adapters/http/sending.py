"""Sends large answers, each in its time: a client may not hold one in memory for as long as it likes."""

from __future__ import annotations

import asyncio

from aiohttp import web

from adapters.http.asking import Gone
from adapters.http.call import Call

LARGE = 64 * 1024
"""Bytes; a smaller answer is the connection's as soon as it is written."""
SLOWEST = 16 * 1024
"""Bytes a second that a client must take."""


def large(response: web.StreamResponse) -> bool:
    return isinstance(response, web.Response) and isinstance(response.body, bytes) and len(response.body) > LARGE


async def sent(call: Call, response: web.StreamResponse) -> None:
    """Send an answer that is large. Raises Gone when the client has gone, or takes too long."""
    assert isinstance(response, web.Response)
    assert isinstance(response.body, bytes)
    response.headers.update(call.headers)
    try:
        async with asyncio.timeout(call.gateway.settings.slow_reader + len(response.body) / SLOWEST):
            await response.prepare(call.request)
            await response.write_eof()
    except TimeoutError:
        if call.request.transport is not None:
            call.request.transport.abort()
        raise Gone from None
    except ConnectionError:
        raise Gone from None
