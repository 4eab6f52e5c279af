"""A TCP proxy in this process that treats connections badly on purpose: slow, silent, half-closed, cut, refused."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from socket import AF_UNIX, SO_LINGER, SOL_SOCKET
from struct import pack

CHUNK = 64 * 1024


@dataclass(slots=True, eq=False)
class _Link:
    """One connection and its other half."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])

    def cut(self) -> None:
        for writer in (self.client, self.server):
            socket = writer.get_extra_info("socket")
            if not writer.is_closing() and socket is not None and socket.family != AF_UNIX:
                # Or closing would look like an orderly end.
                socket.setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
            writer.transport.abort()


class TcpProxy:
    """Stands on `port` before a server on `host:target` or on a Unix socket; change `delay` at any time."""

    def __init__(self, target: int | str, host: str = "127.0.0.1") -> None:
        """`target`: a port, or the path of a Unix socket."""
        self._target, self._host = target, host
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.delay = 0.0
        """Seconds by which everything is late, in both directions."""
        self.refusing = False
        """New connections are closed at once."""
        self.port = 0
        self.connections = 0
        """How many there have been."""

    async def __aenter__(self) -> TcpProxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._server is not None
        self._server.close()
        self.resume()
        self.cut()
        tasks = [task for link in self._links for task in link.tasks]
        if tasks:
            await asyncio.wait(tasks)

    def cut(self) -> int:
        """Reset every connection; returns how many there were."""
        for link in self._links:
            link.cut()
        return len(self._links)

    def half_close(self) -> None:
        """Tell every client that nothing more comes, while what it sends still arrives."""
        for link in self._links:
            if link.client.can_write_eof() and not link.client.is_closing():
                link.client.write_eof()

    def hold(self) -> None:
        """Keep connections open and let nothing through, until `resume`."""
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            if self.refusing:
                raise ConnectionRefusedError
            server_reader, server_writer = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        link = _Link(writer, server_writer)
        self._links.add(link)
        there, back = self._carry(reader, server_writer), self._carry(server_reader, writer)
        link.tasks = [asyncio.create_task(there), asyncio.create_task(back)]
        await asyncio.wait(link.tasks)
        link.cut()
        self._links.discard(link)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._target, str):
            return await asyncio.open_unix_connection(self._target)
        return await asyncio.open_connection(self._host, self._target)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._flowing.wait()
                if self.delay:
                    await asyncio.sleep(self.delay)
                if writer.transport.is_closing():
                    return
                with suppress(RuntimeError):  # half-closed meanwhile
                    writer.write(data)
                    await writer.drain()
            if writer.can_write_eof() and not writer.is_closing():
                writer.write_eof()
