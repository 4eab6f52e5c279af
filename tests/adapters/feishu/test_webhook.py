"""The webhook between the loopback Feishu and the adapter."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from io import BytesIO

import aiohttp
import msgspec
import pytest

from adapters.feishu.api import Api
from adapters.feishu.messenger import FeishuMessenger
from adapters.feishu.testing import LoopbackFeishu, encrypted, signed
from adapters.feishu.wire import Json
from botkit.model import Action, Outgoing
from tests.adapters.feishu.rig import Bot, adapter_for, webhook_at

KEY = "a key of the console"


@pytest.fixture
async def feishu() -> AsyncGenerator[LoopbackFeishu]:
    async with LoopbackFeishu() as loopback:
        loopback.app.encrypt_key = KEY
        yield loopback


@asynccontextmanager
async def mounted(feishu: LoopbackFeishu, bot: Bot, changes: Json | None = None) -> AsyncGenerator[str]:
    """The adapter behind a web server; not yet known to Feishu."""
    given: Json = {"transport": "webhook", "encrypt_key": KEY, "verification_token": feishu.app.verification_token}
    adapter = adapter_for(feishu, **{**given, **(changes or {})})
    async with adapter.connect(bot), webhook_at(feishu, bot) as url:
        yield url


async def post(url: str, body: bytes | BytesIO, headers: dict[str, str]) -> int:
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        return answer.status


async def test_messages_and_presses_arrive_over_the_webhook(feishu: LoopbackFeishu) -> None:
    bot = Bot(feishu)
    async with mounted(feishu, bot) as url:
        await feishu.subscribe(url)
        await feishu.say("alice", feishu.p2p("alice"), "hello")
        await feishu.until(lambda: bot.texts == ["hello"])
        messenger = FeishuMessenger(Api(feishu.app.id, feishu.app.secret, feishu.url))
        ref = await messenger.send(bot.messages[0].conversation, Outgoing("Sure?", (Action("Yes", "/allow 1"),)))
        asked = feishu.directory.find_post(ref.id)
        assert asked is not None
        assert not (await feishu.press("alice", asked, "Yes")).error
        assert bot.texts == ["hello", "/allow 1"]
        bot.silent = 1
        assert "press again" in (await feishu.press("alice", asked, "Yes")).toast
        await feishu.settled()
    feishu.assert_clean()


async def test_with_a_wrong_key_or_token_the_console_does_not_take_the_address(feishu: LoopbackFeishu) -> None:
    for wrong in ({"encrypt_key": "another"}, {"verification_token": "another"}):
        async with mounted(feishu, Bot(feishu), wrong) as url:
            with pytest.raises(ValueError, match="did not echo"):
                await feishu.subscribe(url)


async def test_an_event_of_a_silent_store_is_delivered_again_and_taken_once(feishu: LoopbackFeishu) -> None:
    bot = Bot(feishu)
    async with mounted(feishu, bot) as url:
        await feishu.subscribe(url)
        bot.silent = 1
        await feishu.say("alice", feishu.p2p("alice"), "hello")
        await feishu.until(lambda: feishu.deliveries and feishu.deliveries[-1].attempts)
        feishu.advance(20)
        await feishu.until(lambda: bot.texts == ["hello"])
        await feishu.settled()
        assert [attempt.problem for attempt in feishu.deliveries[-1].attempts] == ["HTTP 503", ""]


async def test_forged_old_altered_and_plain_requests_are_refused(feishu: LoopbackFeishu) -> None:
    bot = Bot(feishu)
    async with mounted(feishu, bot) as url:
        await feishu.subscribe(url)
        await feishu.say("alice", feishu.p2p("alice"), "hello")
        await feishu.until(lambda: bot.texts)
        envelope = msgspec.json.encode(feishu.deliveries[-1].envelope)
        body = msgspec.json.encode({"encrypt": encrypted(envelope, KEY)})
        now = int(time.time())
        assert await post(url, body, signed(body, "guess", str(now), "n")) == 401
        assert await post(url, body, signed(body, KEY, str(now - 3600), "n")) == 401
        assert await post(url, body + b" ", signed(body, KEY, str(now), "n")) == 401
        assert await post(url, envelope, signed(envelope, KEY, str(now), "n")) == 401
        assert await post(url, body, {}) == 401
        assert await post(url, BytesIO(bytes(3 * 1024 * 1024)), {}) == 413
        offered = len(bot.offered)
        assert await post(url, body, signed(body, KEY, str(now), "n")) == 200, "and a repeat that is believed"
        assert len(bot.offered) == offered + 1
        assert len(bot.messages) == 1, "is taken for one"


async def test_what_is_not_known_is_acknowledged_or_it_would_come_again(feishu: LoopbackFeishu) -> None:
    bot = Bot(feishu)
    async with mounted(feishu, bot) as url:
        await feishu.subscribe(url)
        await feishu.remove(feishu.app, "general")
        await feishu.add(feishu.app, "general")
        async with asyncio.timeout(5):
            await feishu.settled()
        assert not feishu.unacked
        assert not bot.offered
