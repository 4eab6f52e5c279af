"""The platforms that journeys run on."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal, assert_never

from adapters.discord.testing import LoopbackDiscord
from adapters.feishu.testing import LoopbackFeishu
from adapters.slack.testing import LoopbackSlack
from tests.journeys.place import Place
from tests.journeys.places.discord import DiscordPlace
from tests.journeys.places.feishu import FeishuPlace
from tests.journeys.places.slack import SlackPlace

Platform = Literal["slack", "discord", "feishu"]


@asynccontextmanager
async def opened(platform: Platform, *, speed: float = 1.0, limits: bool = True) -> AsyncGenerator[Place]:
    """A loopback platform. `speed` quickens its budgets and retries, `limits`: its budgets hold."""
    match platform:
        case "slack":
            async with LoopbackSlack(speed=speed, limits=limits) as slack:
                yield SlackPlace(slack)
        case "discord":
            async with LoopbackDiscord(speed=speed, limits=limits) as discord:
                yield DiscordPlace(discord)
        case "feishu":
            async with LoopbackFeishu(speed=speed, limits=limits) as feishu:
                yield FeishuPlace(feishu)
        case _:
            assert_never(platform)
