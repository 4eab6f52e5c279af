"""The webhook: Feishu's deliveries over HTTP, believed only when sealed, signed, fresh and of a sensible size."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from adapters.feishu.seal import Unbelievable, opened
from adapters.feishu.wire import Json
from botkit.errors import StoreError

log = structlog.get_logger("botkit.feishu")

LARGEST = 2 * 1024 * 1024
"""Bytes of a body; encrypted events are some kilobytes, a long post up to a few hundred."""
READ_WITHIN = 5.0

Receive = Callable[[Json], Awaitable[Json]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def webhook(receive: Receive, *, key: str, token: str) -> Handler:
    """A handler for events and callbacks alike. Feishu delivers again what is not answered with 200 within 3 s."""

    async def handle(request: web.Request) -> web.StreamResponse:
        body = await _read(request)
        if body is None:
            return web.Response(status=413, text="too large")
        try:
            event = opened(body, request.headers, key=key, token=token, now=time.time())
        except Unbelievable as doubt:
            log.warning("unverified_request", remote=request.remote, why=doubt.why)
            return web.Response(status=401, text="not from Feishu, or too long ago")
        if event.get("type") == "url_verification":
            return web.json_response({"challenge": event.get("challenge", "")})
        try:
            return web.json_response(await receive(event))
        except StoreError as problem:
            log.warning("not_acknowledged", problem=str(problem))
            return web.Response(status=503)

    return handle


async def _read(request: web.Request) -> bytes | None:
    """The raw body; None when it is larger than anything Feishu sends."""
    if (request.content_length or 0) > LARGEST:
        return None
    body = bytearray()
    async with asyncio.timeout(READ_WITHIN):
        async for chunk in request.content.iter_chunked(64 * 1024):
            body += chunk
            if len(body) > LARGEST:
                return None
    return bytes(body)
