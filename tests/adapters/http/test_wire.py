"""What comes over the wire may be broken in every way: it is told, and starts nothing."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.adapters.http.desk import PATIENCE, Desk

CHAT = "/v1/chat/completions"
DEEP = b'{"model": "main", "messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
MANY = json.dumps({"model": "main", "messages": [{"role": "user", "content": "x"}] * 10_001}).encode()


async def sent(desk: Desk, data: bytes) -> bytes:
    """What the server says to raw bytes until it closes or has answered once."""
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.application.web.port)
    try:
        writer.write(data)
        async with asyncio.timeout(PATIENCE):
            return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as closed:
        return closed.partial
    finally:
        writer.close()


def head(desk: Desk, *more: str) -> bytes:
    lines = (f"POST {CHAT} HTTP/1.1", "Host: x", f"Authorization: Bearer {desk.token}", *more)
    return "\r\n".join((*lines, "", "")).encode()


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"", None),
        (b"null", None),
        (b'{"model": "main", "messages": []}', "messages"),
        (b'{"model": "main", "messages": [{"role": "user", "content": "\xff"}]}', None),
        (b'{"model": "main", "messages": [{"role": "user", "content": ""}]}', "messages.0.content"),
        (b'{"model": "main", "messages": [{"role": "king", "content": "x"}]}', "messages.0.role"),
        (b'{"model": 7, "messages": [{"role": "user", "content": "x"}]}', "model"),
        (b'{"model": "main", "messages": [{"role": "assistant", "content": "x"}]}', "messages"),
        (DEEP, None),
        (MANY, "messages"),
    ],
    ids=["empty", "null", "no messages", "bad utf-8", "no text", "role", "type", "last word", "deep", "many"],
)
async def test_a_broken_body_is_told_with_its_field(gateway: Desk, data: bytes, field: str | None) -> None:
    headers = {"Authorization": f"Bearer {gateway.token}"}
    async with gateway.http.post(gateway.url + CHAT, data=data, headers=headers) as response:
        assert response.status == 400
        assert (await response.json())["error"]["param"] == field
    assert not gateway.model.asks


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ({"type": "image_url", "image_url": {"url": "https://example.com/x.png"}}, "image_url.url"),
        ({"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}, "image_url.url"),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,???"}}, "image_url.url"),
        ({"type": "file", "file": {"file_data": "not base64!"}}, "file.file_data"),
    ],
)
async def test_nothing_is_fetched_for_a_caller(gateway: Desk, part: dict[str, object], field: str) -> None:
    said = {"model": "main", "messages": [{"role": "user", "content": [part]}]}
    headers = {"Authorization": f"Bearer {gateway.token}"}
    async with gateway.http.post(gateway.url + CHAT, json=said, headers=headers) as response:
        assert response.status == 400
        assert (await response.json())["error"]["param"] == f"messages.0.content.0.{field}"


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(gateway: Desk) -> None:
    answer = await sent(gateway, head(gateway, f"Content-Length: {100 * 1024 * 1024}"))
    assert answer.startswith(b"HTTP/1.1 413")


async def test_a_request_with_two_lengths_is_not_guessed_at(gateway: Desk) -> None:
    smuggled = (
        head(gateway, "Content-Length: 4", "Transfer-Encoding: chunked") + b"0\r\n\r\nGET /v1/models HTTP/1.1\r\n"
    )
    assert b" 400 " in (await sent(gateway, smuggled))[:20]
    twice = head(gateway, "Content-Length: 4", "Content-Length: 5") + b"abcde"
    assert b" 400 " in (await sent(gateway, twice))[:20]


async def test_pipelined_requests_are_answered_in_order(gateway: Desk) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.application.web.port)
    who = f"Host: x\r\nAuthorization: Bearer {gateway.token}\r\n"
    writer.write((f"GET /v1/models HTTP/1.1\r\n{who}\r\n" + f"GET /v1/nothing HTTP/1.1\r\n{who}\r\n").encode())
    async with asyncio.timeout(PATIENCE):
        first = await reader.readuntil(b"\r\n\r\n")
        length = int(first.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        second = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    assert first.startswith(b"HTTP/1.1 200")
    assert second.startswith(b"HTTP/1.1 404")
