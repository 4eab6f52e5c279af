"""One server that speaks Redis for all tests that want one; each finds it empty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from tests.botkit.stores.valkey import Valkey


@pytest.fixture(scope="session")
def running_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Valkey(socket=tmp_path_factory.mktemp("redis") / "s") as server:
        yield server.url


@pytest.fixture
def redis_url(running_redis: str) -> str:
    # Not async: fixtures that are ask for it while their loop runs.
    client: Any = Redis
    with client.from_url(running_redis) as server:
        server.flushall()
    return running_redis
