"""The desk that most tests of the gateway share: starting a botkit takes longer than asking it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.adapters.http.desk import Desk, desk


@pytest.fixture
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    root = tmp_path_factory.mktemp("gateway")
    async with desk(root, bot={"models": ["claude-haiku-4-5"]}, http={"projects": {"site": str(root / "site")}}) as it:
        yield it
