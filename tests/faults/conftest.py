from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from adapters.slack.testing import LoopbackSlack
from tests.faults.gateway_office import office, offices
from tests.faults.rig import Rig

__all__ = ["office", "offices"]


@pytest.fixture(params=["sqlite", "redis"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "redis":
        return str(request.getfixturevalue("redis_url"))
    return f"sqlite:///{tmp_path / 'botkit.db'}"


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    """A rig whose Slack gives up on nothing soon: what it says takes minutes takes seconds here."""
    async with LoopbackSlack(speed=30.0, limits=False) as slack:
        rig = Rig(slack, tmp_path)
        try:
            yield rig
        finally:
            await rig.close()
