"""What nobody can do better in Python: processes read by asyncio and nothing done with what they say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec


class _Session(asyncio.SubprocessProtocol):
    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self._ended = asyncio.Event()
        self._tail = b""
        self._stdin: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        stdin = transport.get_pipe_transport(0)
        assert isinstance(stdin, asyncio.WriteTransport)
        self._stdin = stdin

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._tail = (self._tail + data)[-2000:]
        if b'"result"' in self._tail:
            self._tail = b""
            self._ended.set()

    def process_exited(self) -> None:
        self.gone.set()

    async def turn(self, prompt: str) -> None:
        self._ended.clear()
        assert self._stdin is not None
        self._stdin.write(msgspec.json.encode({"type": "user", "message": {"content": prompt}}) + b"\n")
        await self._ended.wait()


@asynccontextmanager
async def _sessions(cli: Path, count: int) -> AsyncGenerator[Sequence[_Session]]:
    """So many live sessions, each of which has answered once."""
    loop = asyncio.get_running_loop()
    made = [await loop.subprocess_exec(_Session, str(cli), stderr=None) for _ in range(count)]
    await asyncio.gather(*(session.turn("1") for _, session in made))
    try:
        yield [session for _, session in made]
    finally:
        for transport, session in made:
            transport.kill()
            await session.gone.wait()
            transport.close()


async def paced(cli: Path, live: int, seconds: float) -> float:
    """The share of a core for so many sessions at 50 deltas a second."""
    async with _sessions(cli, live) as made:
        began, spent = time.monotonic(), time.process_time()
        await asyncio.gather(*(session.turn(f"{seconds * 50:.0f} 0.02") for session in made))
        return (time.process_time() - spent) / (time.monotonic() - began)


async def parallel(cli: Path, count: int, turns: int) -> float:
    """Turns of 20 deltas a second, by so many sessions."""
    async with _sessions(cli, count) as made:

        async def several(session: _Session) -> None:
            for _ in range(turns):
                await session.turn("20")

        began = time.monotonic()
        await asyncio.gather(*map(several, made))
        return count * turns / (time.monotonic() - began)
