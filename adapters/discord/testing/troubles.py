"""Ways of not answering: silence, and a connection that breaks."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass, field

from aiohttp import web

SILENCE_SECONDS = 120.0
"""How long a scripted timeout stays silent at most."""


@dataclass(slots=True)
class Silence:
    """Keeps requests waiting until the server closes."""

    closing: asyncio.Event = field(default_factory=asyncio.Event)

    async def keep(self) -> web.Response:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                await self.closing.wait()
        except TimeoutError:
            pass
        return web.Response(status=504)


def reset(request: web.Request) -> web.Response:
    """Break the connection with a TCP reset."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=500)
