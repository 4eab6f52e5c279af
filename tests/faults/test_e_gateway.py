"""Rows E38 and E42 of the fault list, over HTTP: clients that go or do not read, answers that break in the middle."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from adapters.http.asking import Gone
from adapters.http.call import Call
from adapters.http.endpoint import Endpoint
from adapters.http.reply import MAX_WAITING, Waiting
from adapters.http.streaming import Stream
from botkit.events import TextDelta, TurnFinished
from tests.adapters.http.desk import PATIENCE, Desk, desk
from tests.adapters.http.gate import gate

CHAT = "/v1/chat/completions"
INTERRUPTED = 1.0
"""Seconds after a client has gone until its turn no longer runs."""
BUFFERS = 16 * 1024 * 1024
"""Bytes that the machine may hold for a connection whose other end does not read."""


@pytest.fixture
async def answering(tmp_path: Path) -> AsyncGenerator[Desk]:
    async with desk(tmp_path) as it:
        yield it


def body(text: str, **more: object) -> dict[str, object]:
    return {"model": "main", "max_tokens": 100, "messages": [{"role": "user", "content": text}], **more}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("more", [{"stream": True}, {}, {"conversation": "notes"}, {"stream": True, "user": "ann"}])
async def test_e38_a_client_that_goes_ends_its_turn_within_a_second(answering: Desk, more: dict[str, object]) -> None:
    """Streamed or not, with a session or without: Claude is interrupted, and the place is free again."""
    streamed = "stream" in more
    text = "!words 3000 20ms" if streamed else "!delay 60s\n!say too late"
    asking = answering.http.post(answering.url + CHAT, json=body(text, **more), headers=bearer(answering.token))
    async with asyncio.timeout(PATIENCE):
        if streamed:
            async with asking as answer:
                await answer.content.readuntil(b"word2")
                answer.close()
        else:
            task = asyncio.ensure_future(asking)
            await answering.model.asked(text.splitlines()[0])
            task.cancel()
            await asyncio.wait([task])
        gone = time.monotonic()
        assert await answering.bot.tasks.drain(PATIENCE)
        took = time.monotonic() - gone
    assert took < INTERRUPTED
    (record,) = await answering.records()
    assert (record.status, record.error) == (499, "client_gone")


async def test_e38_what_a_slow_reader_does_not_take_is_not_piled_up() -> None:
    """A byte at a time is read: writing waits, memory does not grow, and after a while the reader is cut off."""
    written, cut = 0, asyncio.Event()

    async def flood(call: Call) -> web.StreamResponse:
        nonlocal written
        out = Stream(call, {}, lambda _: b"")
        try:
            while True:
                await out.write(b"x" * 65536)
                written += 65536
        except Gone:
            cut.set()
            raise

    endpoint = Endpoint("GET", "/flood", flood, "Never ends", counts="run")
    async with gate(None, endpoint, slow_reader=1) as it, asyncio.timeout(PATIENCE):
        _, token = await it.key()
        async with reading(it.url, "/flood", token) as reader:
            while not cut.is_set():
                assert await reader.read(1)
                await asyncio.sleep(0.02)
        assert written < BUFFERS


def test_e38_a_turn_that_says_more_than_its_reader_takes_is_given_up() -> None:
    """What waits for a reader has a bound; past it only the outcome is kept, and the reader is told."""
    waiting = Waiting()
    for _ in range(2 * MAX_WAITING):
        waiting.push(TextDelta("word "))
    waiting.push(TurnFinished("all of it"))
    assert waiting.overrun
    assert waiting.outcome == TurnFinished("all of it")


@pytest.mark.parametrize(
    ("path", "asked", "error", "success"),
    [
        (CHAT, {}, b'data: {"error":', (b'"finish_reason":"stop"',)),
        ("/v1/messages", {}, b"event: error", (b"end_turn", b"message_stop")),
        ("/v1/responses", {"input": ""}, b"event: response.failed", (b"response.completed",)),
        ("/chat/stream", {"text": ""}, b"event: error", (b"event: done",)),
    ],
)
async def test_e42_a_stream_that_breaks_says_so_and_never_that_it_is_whole(
    answering: Desk, path: str, asked: dict[str, str], error: bytes, success: tuple[bytes, ...]
) -> None:
    """The headers said 200 long ago: the error is an event, in each API's own words, and nothing ends as if all were
    well."""
    text = "!words 3 20ms\n!status 400"
    wanted = dict.fromkeys(asked, text) if asked else body(text)
    if path != "/chat/stream":
        wanted |= {"model": "main", "stream": True}
    async with asyncio.timeout(PATIENCE):
        answer = await answering.http.post(answering.url + path, json=wanted, headers=bearer(answering.token))
        data = await answer.read()
    assert answer.status == 200
    assert b"word1" in data, "it had begun"
    assert error in data
    for each in success:
        assert each not in data
    (record,) = await answering.records()
    assert record.error == "model_unavailable"


async def test_e42_what_fails_before_its_first_word_has_a_status(answering: Desk) -> None:
    async with asyncio.timeout(PATIENCE):
        answer = await answering.http.post(
            answering.url + CHAT, json=body("!status 400", stream=True), headers=bearer(answering.token)
        )
        assert answer.status == 502
        assert json.loads(await answer.read())["error"]["code"] == "model_unavailable"


@asynccontextmanager
async def reading(url: str, path: str, token: str) -> AsyncGenerator[asyncio.StreamReader]:
    """A connection that takes next to nothing by itself."""
    port = int(url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        yield reader
    finally:
        writer.close()
