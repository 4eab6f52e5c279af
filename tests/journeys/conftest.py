from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from botkit.testing.model import LoopbackModel
from tests.journeys.office import Office
from tests.journeys.places import Platform, opened


@pytest.fixture(params=["slack-sqlite", "slack-redis", "discord-sqlite", "feishu-sqlite"])
def where(request: pytest.FixtureRequest) -> str:
    """Journeys look the same on every platform, and on both stores."""
    return str(request.param)


@pytest.fixture
async def office(where: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Office]:
    platforms: dict[str, Platform] = {"slack": "slack", "discord": "discord", "feishu": "feishu"}
    platform, _, store = where.partition("-")
    url = f"sqlite:///{tmp_path / 'botkit.db'}"
    if store == "redis":
        url = str(request.getfixturevalue("redis_url"))
    async with opened(platforms[platform]) as place, LoopbackModel() as model:
        office = Office(place, model, tmp_path, url)
        try:
            yield office
        finally:
            await office.close()
        place.assert_clean()
