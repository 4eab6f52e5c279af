"""Slack over HTTP: what is signed and fresh is taken, all else is refused before it is read."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from io import BytesIO

import aiohttp
import pytest

from adapters.slack.testing import LoopbackSlack, encoded, signed
from tests.adapters.slack.rig import Bot, adapter_for, over_http


@pytest.fixture
async def slack() -> AsyncGenerator[LoopbackSlack]:
    async with LoopbackSlack(speed=6_000, ack_seconds=1.0) as loopback:
        yield loopback


@pytest.fixture
def bot(slack: LoopbackSlack) -> Bot:
    return Bot(slack)


async def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    async with aiohttp.ClientSession() as session, session.post(url, data=BytesIO(body), headers=headers) as answer:
        return answer.status


async def test_a_mention_a_command_and_an_edit_arrive(slack: LoopbackSlack, bot: Bot) -> None:
    async with over_http(slack, adapter_for(slack, app_token=""), bot):
        said = await slack.say("alice", "general", f"{slack.app.mention} hello")
        await slack.command("alice", "general", "/claude", "status")
        await slack.edit(said, f"{slack.app.mention} good morning")
        await slack.settled()
    assert {message.kind: message.text for message in bot.messages if message.command != "status"} == {
        "new": "hello",
        "edited": "good morning",
    }
    assert "/status" in [message.text for message in bot.messages]
    slack.assert_clean()


async def test_the_same_event_brought_again_is_acknowledged_and_taken_once(slack: LoopbackSlack, bot: Bot) -> None:
    async with over_http(slack, adapter_for(slack, app_token=""), bot):
        await slack.say("alice", slack.dm("alice"), "hello")
        await slack.settled()
        again = await slack.redeliver(slack.deliveries[0])
        await slack.settled()
        assert again.acked
    assert len(bot.messages) == 1


async def test_while_the_store_is_silent_slack_gets_503_and_comes_again(slack: LoopbackSlack, bot: Bot) -> None:
    bot.silent = 2
    async with over_http(slack, adapter_for(slack, app_token=""), bot):
        await slack.say("alice", slack.dm("alice"), "hello")
        await slack.settled()
    assert [attempt.status for attempt in slack.deliveries[0].attempts] == [503, 503, 200]
    assert [message.text for message in bot.messages] == ["hello"]


async def test_forged_stale_unsigned_and_huge_requests_are_refused(slack: LoopbackSlack, bot: Bot) -> None:
    async with over_http(slack, adapter_for(slack, app_token=""), bot) as url:
        await slack.say("alice", slack.dm("alice"), "hello")
        await slack.settled()
        bot.messages.clear()
        kind, body = encoded(slack.deliveries[0])
        json = {"Content-Type": kind}
        assert await post(url, body, {**json, **signed(slack.app, body, secret="guessed")}) == 401
        assert await post(url, body, {**json, **signed(slack.app, body, at=time.time() - 400)}) == 401
        assert await post(url, body, {**json, **signed(slack.app, body + b" ")}) == 401
        assert await post(url, body, json) == 401
        assert await post(url, body, {**signed(slack.app, body), "X-Slack-Request-Timestamp": "soon"}) == 401
        assert await post(url, b"\xff", signed(slack.app, b"\xff")) == 401
        huge = b"x" * (1024 * 1024 + 1)
        assert await post(url, huge, signed(slack.app, huge)) == 413
        assert bot.messages == []
        assert await post(url, body, {**json, **signed(slack.app, body)}) == 200
    assert len(bot.messages) == 1


async def test_what_is_signed_but_no_event_is_acknowledged(slack: LoopbackSlack, bot: Bot) -> None:
    async with over_http(slack, adapter_for(slack, app_token=""), bot) as url:
        for body in (b'{"type": "event_callback", "event": {"type": "message", "ts": 5}}', b'{"type": "new_thing"}'):
            headers = {"Content-Type": "application/json", **signed(slack.app, body)}
            assert await post(url, body, headers) == 200
    assert bot.messages == []
