"""Clients that send or take a byte now and then: each gets its time, and holds nothing for longer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import web

from adapters.http import gateway, sending
from adapters.http.call import Call
from adapters.http.endpoint import Endpoint
from tests.adapters.http.gate import PATIENCE, gate

BIG = 20_000_000


@asynccontextmanager
async def connected(url: str, head: str) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection on which a request has begun."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]), limit=1024)
    try:
        writer.write(head.replace("\n", "\r\n").encode())
        yield reader, writer
    finally:
        writer.close()


async def test_a_body_that_comes_byte_by_byte_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "BODY_WITHIN", 0.3)
    async with gate(max_requests_per_key=1) as it, asyncio.timeout(PATIENCE):
        _, token = await it.key()
        head = f"POST /echo HTTP/1.1\nHost: x\nAuthorization: Bearer {token}\nContent-Length: 100000\n\n"
        async with connected(it.url, head) as (reader, writer):
            dribbling = asyncio.create_task(dribble(writer))
            assert (await reader.readline()).split()[1] == b"408"
            assert (await it.ask("/echo", token, method="POST"))[0] == 200, "its place is free again"
            dribbling.cancel()
            await asyncio.wait([dribbling])


async def dribble(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x")
        await asyncio.sleep(0.05)


async def test_a_large_answer_that_is_taken_byte_by_byte_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Meanwhile it is a request at work, also where it only looked: so many a key may have, and no more."""
    monkeypatch.setattr(sending, "SLOWEST", BIG)

    async def big(_: Call) -> web.Response:
        return web.Response(body=b"x" * BIG)

    endpoint = Endpoint("GET", "/big", big, "Large")
    async with gate(None, endpoint, slow_reader=0.5, max_requests_per_key=1) as it, asyncio.timeout(PATIENCE):
        _, token = await it.key()
        head = f"GET /big HTTP/1.1\nHost: x\nAuthorization: Bearer {token}\n\n"
        async with connected(it.url, head) as (reader, _):
            assert (await reader.readline()).split()[1] == b"200"
            assert (await it.ask("/echo", token, method="POST"))[0] == 429
            began = time.monotonic()
            with suppress(ConnectionError):
                while await reader.read(1):
                    await asyncio.sleep(0.05)
                    if time.monotonic() - began > 3:
                        break
            assert (await it.ask("/echo", token, method="POST"))[0] == 200
        status, _, headers = await it.ask("/big", token)
        assert (status, headers["Content-Length"]) == (200, str(BIG)), "who reads it has it"
        assert headers["X-Request-Id"]
