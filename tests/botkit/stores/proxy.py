"""A wire to the server that can lose answers: the request is carried out, and the connection ends."""

from __future__ import annotations

import asyncio


class Proxy:
    """TCP in front of a Unix socket."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._swallow = 0
        self._to = b""
        self._pipes: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.url = ""

    def swallow_answers(self, count: int, to: bytes = b"EVALSHA") -> None:
        """The answers to the next so many of these commands are lost, each with its connection."""
        self._swallow, self._to = count, to

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._server is not None
        self._server.close()
        for pipe in self._pipes:
            pipe.cancel()
        if self._pipes:
            await asyncio.wait(self._pipes, timeout=5)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pipes.add(task)
        server_reader, server_writer = await asyncio.open_unix_connection(self._socket)
        try:
            await self._carry(reader, writer, server_reader, server_writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._pipes.discard(task)
            server_writer.close()
            writer.close()

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        server_reader: asyncio.StreamReader,
        server_writer: asyncio.StreamWriter,
    ) -> None:
        while request := await reader.read(1 << 20):
            server_writer.write(request)
            answer = await server_reader.read(1 << 20)
            if self._swallow and self._to in request and not answer.startswith(b"-NOSCRIPT"):
                self._swallow -= 1
                return
            writer.write(answer)
