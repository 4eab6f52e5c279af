"""The door of the web server: how many connections there may be, and for how long one may take nothing."""

from __future__ import annotations

import asyncio
import resource
import socket

import structlog
from aiohttp import web

SPARE = 256
"""Descriptors that connections leave for all else at least: workers, the store, the platforms."""
BACKLOG = 128
"""Connections that may wait to be accepted."""
FULL = "socket.accept() out of system resource"
"""What asyncio says when no descriptor is left: for every connection that waits, each time with a traceback."""
SAID_EVERY = 60.0
"""Seconds between two lines that say so."""
_REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

log = structlog.get_logger("botkit")


def room() -> int:
    """Connections that this process has descriptors for: three quarters of `ulimit -n`, less where that is small."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return 1 << 20
    return max(16, soft - max(SPARE, soft // 4))


async def listen(server: web.Server, host: str, port: int, most: int, idle: float) -> asyncio.Server:
    """Let at most `most` connections in. One whose client takes nothing of an answer for `idle` seconds is closed by
    the kernel, where it can (Linux): aiohttp would wait for ever. Raises OSError."""
    listening = await asyncio.get_running_loop().create_server(_Door(server, most), host, port, backlog=BACKLOG)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        for each in listening.sockets:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(idle * 1000))
    return listening


class _Door:
    """Makes the protocol of each connection that was accepted."""

    def __init__(self, server: web.Server, most: int) -> None:
        self._server, self._most = server, most
        self._room = most
        """How many more may come until they have to be counted again, which is not done for each."""
        self._said = float("-inf")

    def __call__(self) -> asyncio.BaseProtocol:
        if not self._room:
            self._room = max(0, self._most - len(self._server.connections))
        if not self._room:
            self._full()
            return _Refusal()
        self._room -= 1
        return self._server()

    def _full(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._said >= SAID_EVERY:
            self._said = now
            log.warning("connections_refused", most=self._most, hint="raise `ulimit -n`")


class _Refusal(asyncio.Protocol):
    """Says that there is no room, and reads nothing."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(_REFUSAL)
        transport.close()


class Crowded:
    """The loop's exception handler: says once in a while that connections must wait, and all else as ever."""

    def __init__(self) -> None:
        self._said = float("-inf")

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        if context.get("message") != FULL:
            loop.default_exception_handler(context)
        elif loop.time() - self._said >= SAID_EVERY:
            self._said = loop.time()
            log.warning("connections_wait", problem=str(context.get("exception")))
