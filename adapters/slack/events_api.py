"""The Events API: Slack's deliveries over HTTP, believed only when signed, fresh and of a sensible size."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

log = structlog.get_logger("botkit.slack")

LARGEST = 1024 * 1024
"""Bytes of a body; events are a few kilobytes."""
READ_WITHIN = 5.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def events_api(app: AsyncApp, signing_secret: str) -> Handler:
    """A handler for events, actions and commands alike."""
    verifier = SignatureVerifier(signing_secret)

    async def handle(request: web.Request) -> web.StreamResponse:
        raw = await _read(request)
        if raw is None:
            return web.Response(status=413, text="too large")
        text = _believed(verifier, raw, request)
        if text is None:
            log.warning("unverified_request", remote=request.remote)
            return web.Response(status=401, text="not signed by Slack, or too long ago")
        headers = dict(request.headers)
        bolt = AsyncBoltRequest(body=text, query=request.query_string, headers={**headers})
        return await to_aiohttp_response(await app.async_dispatch(bolt))

    return handle


async def _read(request: web.Request) -> bytes | None:
    """The raw body; None when it is larger than anything Slack sends."""
    if (request.content_length or 0) > LARGEST:
        return None
    body = bytearray()
    async with asyncio.timeout(READ_WITHIN):
        async for chunk in request.content.iter_chunked(64 * 1024):
            body += chunk
            if len(body) > LARGEST:
                return None
    return bytes(body)


def _believed(verifier: SignatureVerifier, raw: bytes, request: web.Request) -> str | None:
    """The body as text if Slack signed it within five minutes."""
    timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
    signature = request.headers.get("X-Slack-Signature", "")
    # Compared as text: anything but ASCII would raise in hmac.compare_digest, anything but digits in the verifier.
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16 and signature.isascii()):
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    return text if verifier.is_valid(text, timestamp, signature) else None
