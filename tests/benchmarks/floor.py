"""What nobody can do better in Python: processes read by asyncio and nothing done with what they say."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import msgspec


class _Reader(asyncio.SubprocessProtocol):
    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self._tail = b""

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._tail = (self._tail + data)[-2000:]
        if b'"result"' in self._tail:
            self.ended.set()


async def paced(cli: Path, live: int, seconds: float) -> float:
    """The share of a core for so many sessions at 50 deltas a second."""
    loop = asyncio.get_running_loop()
    made = [await loop.subprocess_exec(_Reader, str(cli), stderr=None) for _ in range(live)]
    line = msgspec.json.encode({"type": "user", "message": {"content": f"{seconds * 50:.0f} 0.02"}}) + b"\n"
    began, spent = time.monotonic(), time.process_time()
    for transport, _ in made:
        stdin = transport.get_pipe_transport(0)
        assert isinstance(stdin, asyncio.WriteTransport)
        stdin.write(line)
    await asyncio.gather(*(reader.ended.wait() for _, reader in made))
    share = (time.process_time() - spent) / (time.monotonic() - began)
    for transport, _ in made:
        transport.kill()
        transport.close()
    return share
