"""What a running botkit has loaded: its own platform's SDK, and nothing it has no use for."""

from __future__ import annotations

import pytest

from tests.benchmarks.idle import LOOPBACKS, configured, in_vain, loaded


@pytest.mark.parametrize("platform", list(LOOPBACKS))
async def test_a_botkit_that_runs_loads_no_other_platform_no_other_store_and_no_claude_sdk(platform: str) -> None:
    async with configured(platform) as (config, environ):
        modules = await loaded(config, environ)
    assert f"adapters.{platform}.adapter" in modules
    assert in_vain(platform, modules) == []
