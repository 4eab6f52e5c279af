"""Staying connected to Slack: through limits, used-up addresses and noise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from adapters.slack.api import Api
from adapters.slack.socket_mode import Client
from adapters.slack.testing import LoopbackSlack
from botkit.errors import RateLimited
from tests.adapters.slack.rig import Bot, adapter_for


@pytest.fixture
async def slack() -> AsyncGenerator[LoopbackSlack]:
    async with LoopbackSlack(speed=6_000, ack_seconds=1.0, limits=False) as loopback:
        yield loopback


@asynccontextmanager
async def client_of(slack: LoopbackSlack, back: asyncio.Event, away: float) -> AsyncGenerator[Client]:
    client = Client(Api(slack.app.app_token, slack.url), back.set, away)
    try:
        await client.connect_to_new_endpoint(force=True)
        yield client
    finally:
        await client.leave()


async def test_starting_waits_when_slack_opens_no_more_sockets_for_now(slack: LoopbackSlack) -> None:
    slack.fault("apps.connections.open", "429", retry_after=1)
    async with asyncio.timeout(5), adapter_for(slack).connect(Bot(slack)):
        assert slack.sockets() == 1


async def test_slack_is_not_asked_again_before_it_said(slack: LoopbackSlack) -> None:
    async with client_of(slack, asyncio.Event(), 60.0) as client:
        slack.fault("apps.connections.open", "429", retry_after=30)
        for _ in range(3):
            with pytest.raises(RateLimited):
                await client.issue_new_wss_url()
        assert len([call for call in slack.calls if call.method == "apps.connections.open"]) == 2


async def test_only_a_long_absence_is_worth_catching_up(slack: LoopbackSlack) -> None:
    for away, expected in ((60.0, False), (0.0, True)):
        back = asyncio.Event()
        async with client_of(slack, back, away):
            assert not back.is_set()
            await slack.disconnect("refresh_requested")
            await slack.connected()
            await slack.settled()
            if expected:
                async with asyncio.timeout(5):
                    await back.wait()
        assert back.is_set() is expected
