"""The loopback Feishu's webhook: verified, encrypted, signed, and tried again."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from Crypto.Cipher import AES

from adapters.feishu.testing import LoopbackFeishu, encrypted, signature
from adapters.feishu.testing.wire import Json, decoded, mapping, string
from tests.adapters.feishu.loopback import attempted

Handler = Callable[[web.Request], Awaitable[web.Response]]


@pytest.fixture
async def feishu() -> AsyncGenerator[LoopbackFeishu]:
    async with LoopbackFeishu(ack_seconds=0.3, limits=False) as loopback:
        yield loopback


@asynccontextmanager
async def serving(handler: Handler) -> AsyncGenerator[str]:
    application = web.Application()
    application.router.add_post("/feishu/events", handler)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/feishu/events"
    finally:
        await runner.cleanup()


async def test_a_webhook_is_verified_signed_encrypted_and_retried(feishu: LoopbackFeishu) -> None:
    feishu.app.encrypt_key = "test key"
    got: list[tuple[web.Request, bytes, Json]] = []
    statuses = [500, 302, 200]

    def opened(raw: bytes) -> Json:
        secret = base64.b64decode(string(mapping(decoded(raw))["encrypt"]))
        cipher = AES.new(hashlib.sha256(b"test key").digest(), AES.MODE_CBC, secret[:16])
        padded = cipher.decrypt(secret[16:])
        return mapping(decoded(padded[: -padded[-1]]))

    async def receive(request: web.Request) -> web.Response:
        raw = await request.read()
        body = opened(raw)
        if body.get("type") == "url_verification":
            assert body["token"] == feishu.app.verification_token
            assert "X-Lark-Signature" not in request.headers
            return web.json_response({"challenge": body["challenge"]})
        got.append((request, raw, body))
        return web.Response(status=statuses.pop(0), headers={"Location": "/elsewhere"})

    async with serving(receive) as url:
        await feishu.subscribe(url)
        await feishu.say("alice", "general", "hello")
        for number, wait in enumerate((15, 300), 1):
            await attempted(feishu, number)
            feishu.advance(wait)
        await feishu.settled()
    request, raw, body = got[0]
    stamp, nonce = request.headers["X-Lark-Request-Timestamp"], request.headers["X-Lark-Request-Nonce"]
    assert request.headers["X-Lark-Signature"] == signature(stamp, nonce, "test key", raw)
    assert mapping(body["header"])["event_type"] == "im.message.receive_v1"
    assert [attempt.status for attempt in feishu.deliveries[0].attempts] == [500, 302, 200]


async def test_a_url_that_echoes_nothing_is_not_saved(feishu: LoopbackFeishu) -> None:
    async def receive(request: web.Request) -> web.Response:
        return web.json_response({"challenge": "another"})

    async with serving(receive) as url:
        with pytest.raises(ValueError, match="challenge"):
            await feishu.subscribe(url)
    assert feishu.app.request_url == ""


def test_encryption_is_feishus() -> None:
    """https://open.feishu.cn/document/event-subscription-guide/: "hello world" under the key "test key"."""
    known = "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk="
    assert encrypted(b"hello world", "test key", base64.b64decode(known)[:16]) == known
