from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from adapters.slack.testing import LoopbackSlack
from botkit.testing.model import LoopbackModel
from tests.journeys.office import Office


@pytest.fixture(params=["sqlite", "redis"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Journeys look the same on both stores."""
    if request.param == "redis":
        return str(request.getfixturevalue("redis_url"))
    return f"sqlite:///{tmp_path / 'botkit.db'}"


@pytest.fixture
async def office(store_url: str, tmp_path: Path) -> AsyncGenerator[Office]:
    async with LoopbackSlack() as slack, LoopbackModel() as model:
        office = Office(slack, model, tmp_path, store_url)
        try:
            yield office
        finally:
            await office.close()
        slack.assert_clean()
