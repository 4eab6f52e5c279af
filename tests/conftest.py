"""One server that speaks Redis for all tests that want one; each finds it empty."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.botkit.stores.valkey import Valkey, command


@pytest.fixture(scope="session")
def running_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Valkey(socket=tmp_path_factory.mktemp("redis") / "s") as server:
        yield server.url


@pytest.fixture
async def redis_url(running_redis: str) -> str:
    await command(running_redis, "FLUSHALL")
    return running_redis
