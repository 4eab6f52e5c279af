"""One connection to the gateway: what goes out waits its turn, compressed if the client asked for it."""

from __future__ import annotations

import asyncio
import time
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from aiohttp import web

from adapters.discord.testing.wire import Json, encode

if TYPE_CHECKING:
    from adapters.discord.testing.sessions import Session


class Compressor(Protocol):
    """What `zlib.compressobj` gives."""

    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self, mode: int, /) -> bytes: ...


@dataclass(slots=True, eq=False)
class Link:
    """An open websocket."""

    socket: web.WebSocketResponse
    transport: asyncio.Transport | None
    resumed_address: bool
    """Whether it came to `resume_gateway_url`."""
    session: Session | None = None
    frozen: bool = False
    """A zombie: connected, but nothing comes or is answered any more."""
    last_beat: float = field(default_factory=time.monotonic)
    beats: int = 0
    sends: list[float] = field(default_factory=list[float])
    left: int = 0
    """The code with which the client closed, 0 if it did not."""
    _waiting: asyncio.Queue[Json] = field(default_factory=asyncio.Queue[Json])
    _zlib: Compressor | None = None

    def compress(self) -> None:
        self._zlib = zlib.compressobj()

    def send(self, body: Json) -> None:
        """Queue a frame behind the others."""
        if not self.frozen:
            self._waiting.put_nowait(body)

    @property
    def idle(self) -> bool:
        return self._waiting.empty()

    async def drained(self) -> None:
        """All frames are on their way."""
        await self._waiting.join()

    async def write(self) -> None:
        """Send what is queued, for as long as the connection lives."""
        while True:
            body = await self._waiting.get()
            try:
                await self._put(encode(body))
            except ConnectionError:
                pass
            finally:
                self._waiting.task_done()

    async def _put(self, raw: bytes) -> None:
        if self._zlib is None:
            await self.socket.send_str(raw.decode())
        else:
            await self.socket.send_bytes(self._zlib.compress(raw) + self._zlib.flush(zlib.Z_SYNC_FLUSH))
