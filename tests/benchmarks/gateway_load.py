"""Asks an HTTP server on this machine as fast as it answers, or at a fixed pace; raw, so that asking costs little."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec

PATIENCE = 60.0
"""Seconds one run may take."""
_HEAD_END, _LAST_CHUNK = b"\r\n\r\n", b"0\r\n\r\n"


@dataclass
class Load:
    """What came of one run."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list[float])
    """Seconds of each request, from when it was due."""
    failed: int = 0
    """Answers that were not 200."""

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Seconds within which so many of 100 were answered."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, math.ceil(len(ordered) * share / 100) - 1)]


def request(method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> bytes:
    """One request as it goes over the wire."""
    data = b"" if body is None else msgspec.json.encode(body)
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        *(f"{name}: {said}" for name, said in (headers or {}).items()),
    ]
    if data:
        lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
    return "\r\n".join([*lines, "", ""]).encode() + data


class Connection(asyncio.Protocol):
    """One request at a time; `done` is called with each whole answer, `more` with each piece of one."""

    def __init__(self, done: Callable[[Connection, bytes], None], more: Callable[[bytes], None] | None = None) -> None:
        self._done, self._more = done, more
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        if self._more is not None:
            self._more(data)
        self._buffer = self._buffer + data if self._buffer else data
        if _whole(self._buffer):
            answer, self._buffer = self._buffer, b""
            self._done(self, answer)


def _whole(data: bytes) -> bool:
    head = data.find(_HEAD_END)
    if head < 0:
        return False
    at = data.find(b"Content-Length: ", 0, head)
    if at < 0:
        return data.endswith(_LAST_CHUNK)
    return len(data) >= head + 4 + int(data[at + 16 : data.index(b"\r", at)])


@asynccontextmanager
async def connections(
    port: int, count: int, done: Callable[[Connection, bytes], None], more: Callable[[bytes], None] | None = None
) -> AsyncGenerator[Sequence[Connection]]:
    loop = asyncio.get_running_loop()
    made = [(await loop.create_connection(lambda: Connection(done, more), "127.0.0.1", port))[1] for _ in range(count)]
    try:
        yield made
    finally:
        for each in made:
            each.close()


async def closed(port: int, requests: Sequence[bytes], total: int, *, at_once: int = 64) -> Load:
    """So many requests, the given ones in turn; each of `at_once` connections asks again as soon as it is answered."""
    loop, load, over = asyncio.get_running_loop(), Load(), asyncio.Event()
    sent: dict[Connection, float] = {}
    number = 0

    def ask(each: Connection) -> None:
        nonlocal number
        if number < total:
            sent[each] = loop.time()
            each.send(requests[number % len(requests)])
            number += 1

    def done(each: Connection, answer: bytes) -> None:
        load.latencies.append(loop.time() - sent[each])
        load.failed += not answer.startswith(b"HTTP/1.1 200")
        if len(load.latencies) >= total:
            over.set()
        ask(each)

    async with connections(port, min(at_once, total), done) as made:
        began = loop.time()
        for each in made:
            ask(each)
        async with asyncio.timeout(PATIENCE):
            await over.wait()
        load.seconds = loop.time() - began
    return load


async def paced(port: int, requests: Sequence[bytes], total: int, rate: float, *, at_once: int = 64) -> Load:
    """So many requests, one every 1/rate seconds, whether the ones before it are answered or not."""
    loop, load, over = asyncio.get_running_loop(), Load(), asyncio.Event()
    due: dict[Connection, float] = {}

    def done(each: Connection, answer: bytes) -> None:
        load.latencies.append(loop.time() - due.pop(each))
        load.failed += not answer.startswith(b"HTTP/1.1 200")
        free.append(each)
        if len(load.latencies) >= total:
            over.set()

    async with connections(port, at_once, done) as made:
        free = list(made)
        began = loop.time()
        for number in range(total):
            at = began + number / rate
            await asyncio.sleep(max(0.0, at - loop.time()))
            while not free:  # noqa: ASYNC110 (it is late already, and its delay counts)
                await asyncio.sleep(0.001)
            each = free.pop()
            due[each] = at
            each.send(requests[number % len(requests)])
        async with asyncio.timeout(PATIENCE):
            await over.wait()
        load.seconds = loop.time() - began
    return load
