"""Many who read at once: streams, sessions that all speak, and thousands of sockets that only wait."""

from __future__ import annotations

import asyncio
import base64
import re
import resource
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psutil

from tests.benchmarks.gateway_desk import server, spent
from tests.benchmarks.gateway_load import Connection, connections, request
from tests.benchmarks.gateway_server import Ready, Wanted
from tests.benchmarks.rows import Row

PATIENCE = 60.0
SPARE = 200
"""Descriptors for all that is no socket of ours."""
_STAMP = re.compile(rb"@(\d+\.\d+)")
_OPEN, _PING = b"HTTP/1.1 101", 0x89


@dataclass
class _Seen:
    """Of many streams: seconds from each delta to its reader, and the answers that were whole."""

    lags: list[float] = field(default_factory=list[float])
    whole: int = 0
    share: float = 0.0
    """Of a core, while they ran."""

    @property
    def tail(self) -> float:
        """The 99th percentile, in milliseconds."""
        return sorted(self.lags)[int(len(self.lags) * 0.99)] * 1000 if self.lags else float("inf")


async def measure(streams: int = 100, sessions: int = 1000, sockets: int = 10_000, deltas: int = 60) -> list[Row]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    sockets = min(sockets, hard - SPARE - streams)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with tempfile.TemporaryDirectory() as place:
            async with server(Wanted("handlers", place)) as ready:
                few = await _speak(ready, streams, deltas, 0.05)
                many = await _speak(ready, sessions, max(2, deltas // 6), 0.5)
                before, began = _kilobytes(ready), time.monotonic()
                async with _waiting(ready, sockets) as still_there:
                    took, each = time.monotonic() - began, (_kilobytes(ready) - before) / sockets
                    beside = await _speak(ready, streams, deltas, 0.05)
                    each = max(each, (_kilobytes(ready) - before) / sockets)
                    gone = sockets - still_there()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    lost = streams - few.whole + sessions - many.whole + streams - beside.whole + gone
    return [
        Row(f"{streams} streams at 20 deltas/s: a delta to its reader's socket, P99", few.tail, "ms", most=5),
        Row(f"{sessions:,} sessions that speak at once, 2 deltas/s each: the same", many.tail, "ms"),
        Row("— share of a core", many.share * 100, "%"),
        Row(f"{sockets:,} idle WebSockets, memory of each while {streams} streams run", each, "KB", most=20),
        Row("— all open after", took, "s"),
        Row("— a delta of those streams to its reader's socket, P99", beside.tail, "ms"),
        Row("— answers and sockets that were cut off, all together", lost, "", most=0),
    ]


def _kilobytes(ready: Ready) -> float:
    return psutil.Process(ready.pid).memory_info().rss / 1024


async def _speak(ready: Ready, count: int, deltas: int, pause: float) -> _Seen:
    """So many streams, each in a session of its own, begun evenly spread."""
    seen, over = _Seen(), asyncio.Event()

    def more(data: bytes) -> None:
        now = time.monotonic()
        seen.lags += [now - float(stamp) for stamp in _STAMP.findall(data)]

    def done(each: Connection, answer: bytes) -> None:
        seen.whole += answer.startswith(b"HTTP/1.1 200") and answer.count(b"@") == deltas and b"[DONE]" in answer
        left.discard(each)
        if not left:
            over.set()

    async with connections(ready.port, count, done, more) as made:
        left = set(made)
        began, cpu = time.monotonic(), spent(ready)
        for number, connection in enumerate(made):
            connection.send(_stream(ready, f"session-{number}", f"{deltas} {pause}"))
            await asyncio.sleep(pause / count)
        async with asyncio.timeout(PATIENCE):
            await over.wait()
        seen.share = (spent(ready) - cpu) / (time.monotonic() - began)
    return seen


def _stream(ready: Ready, session: str, text: str) -> bytes:
    body = {
        "model": "speaker",
        "messages": [{"role": "user", "content": text}],
        "stream": True,
        "conversation": session,
    }
    return request("POST", "/v1/chat/completions", body, {"Authorization": f"Bearer {ready.token}"})


class _Socket(asyncio.Protocol):
    """A WebSocket that is opened, answers pings and hears nothing else."""

    def __init__(self) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.open = False
        self._head = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.open:
            if data[0] == _PING and self.transport is not None:
                self.transport.write(bytes((0x8A, 0x80, 0, 0, 0, 0)))
            return
        self._head += data
        if b"\r\n\r\n" in self._head and not self.opened.done():
            self.open = self._head.startswith(_OPEN)
            self._head = b""
            self.opened.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        if not self.opened.done():
            self.opened.set_result(None)


@asynccontextmanager
async def _waiting(ready: Ready, count: int) -> AsyncGenerator[Callable[[], int]]:
    """So many open sockets; inside, a function says how many are still open."""
    asked = request(
        "GET",
        f"/api/sessions/{ready.session}/stream",
        headers={
            "Authorization": f"Bearer {ready.token}",
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(b"0123456789abcdef").decode(),
        },
    )
    made: list[_Socket] = []
    loop = asyncio.get_running_loop()

    async def open_one() -> None:
        _, socket = await loop.create_connection(_Socket, "127.0.0.1", ready.port)
        made.append(socket)
        assert socket.transport is not None
        socket.transport.write(asked)
        await socket.opened

    try:
        async with asyncio.timeout(PATIENCE):
            for start in range(0, count, 100):
                await asyncio.gather(*(open_one() for _ in range(min(100, count - start))))
        yield lambda: sum(socket.open for socket in made)
    finally:
        for socket in made:
            if socket.transport is not None:
                socket.transport.abort()
