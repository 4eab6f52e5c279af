"""What was written while nobody was connected is answered afterwards, once."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator

import pytest

from adapters.feishu.adapter import FeishuAdapter
from adapters.feishu.scopes import NEEDS
from adapters.feishu.testing import LoopbackFeishu, Post
from adapters.feishu.testing.world import TENANT
from adapters.feishu.wire import Json
from botkit.model import Conversation
from tests.adapters.feishu import rig
from tests.adapters.feishu.rig import Bot


@pytest.fixture
async def feishu() -> AsyncGenerator[LoopbackFeishu]:
    async with LoopbackFeishu() as loopback:
        yield loopback


def adapter_for(feishu: LoopbackFeishu, **changes: object) -> FeishuAdapter:
    """With catching up as it usually is."""
    return FeishuAdapter("feishu", rig.settings_for(feishu, None, **{"catch_up_groups": 40, **changes}))


async def missed(feishu: LoopbackFeishu) -> Conversation:
    """A topic in which something was said that no delivery will ever bring."""
    feishu.app.events.discard("im.message.receive_v1")
    began = await feishu.say("alice", "general", f"{feishu.app.mention} one")
    await feishu.say("alice", "general", "two", thread=began)
    await feishu.say("bob", "general", "@alice not for the bot", thread=began)
    return topic(began)


def topic(began: Post) -> Conversation:
    return Conversation("feishu", TENANT, began.chat.id, began.id)


async def test_a_followed_topic_and_mentions_in_its_group_are_caught_up(feishu: LoopbackFeishu) -> None:
    bot, where = Bot(feishu), await missed(feishu)
    other = await feishu.say("bob", "general", f"{feishu.app.mention} three")
    await feishu.say("bob", "general", "nobody asked")
    bot.followed_topics[where] = time.time()
    async with adapter_for(feishu).connect(bot):
        await feishu.until(lambda: len(bot.messages) == 3)
    assert bot.texts == ["one", "two", "three"]
    assert [message.conversation for message in bot.messages] == [where, where, topic(other)]
    assert bot.messages[0].author.name == "alice"


async def test_direct_messages_are_caught_up(feishu: LoopbackFeishu) -> None:
    feishu.app.events.discard("im.message.receive_v1")
    bot, chat = Bot(feishu), feishu.p2p("alice")
    for text in ("one", "two"):
        await feishu.say("alice", chat, text)
    bot.followed_topics[Conversation("feishu", TENANT, chat.id)] = time.time()
    async with adapter_for(feishu).connect(bot):
        await feishu.until(lambda: len(bot.messages) == 2)
    assert bot.texts == ["one", "two"]
    assert all(message.conversation.direct for message in bot.messages)


async def test_what_was_delivered_as_well_is_taken_once(feishu: LoopbackFeishu) -> None:
    bot, chat = Bot(feishu), feishu.p2p("alice")
    await feishu.say("alice", chat, "one")
    bot.followed_topics[Conversation("feishu", TENANT, chat.id)] = time.time()
    async with adapter_for(feishu).connect(bot):
        await feishu.until(lambda: bot.messages)
        feishu.advance(20)
        await feishu.settled()
        await feishu.until(lambda: len(bot.offered) >= 2)
    assert bot.texts == ["one"]


async def test_a_lost_connection_is_caught_up_as_well(feishu: LoopbackFeishu) -> None:
    bot, chat = Bot(feishu), feishu.p2p("alice")
    bot.followed_topics[Conversation("feishu", TENANT, chat.id)] = time.time()
    async with adapter_for(feishu).connect(bot):
        await feishu.until(lambda: any(call.route == "im.v1.message.list" and call.done for call in feishu.calls))
        feishu.app.events.discard("im.message.receive_v1")
        await feishu.say("alice", chat, "lost")
        await feishu.cut()
        await feishu.until(lambda: bot.texts == ["lost"])


@pytest.mark.parametrize("changes", [{"catch_up": 0}, {"catch_up_age": 0.0}])
async def test_it_can_be_switched_off(feishu: LoopbackFeishu, changes: Json) -> None:
    bot = Bot(feishu)
    bot.followed_topics[await missed(feishu)] = time.time()
    async with adapter_for(feishu, **changes).connect(bot):
        await feishu.settled()
    assert not bot.offered
    assert not any(call.route == "im.v1.message.list" for call in feishu.calls)


async def test_only_the_last_messages_and_none_that_is_too_old(feishu: LoopbackFeishu) -> None:
    bot, where = Bot(feishu), await missed(feishu)
    bot.followed_topics[where] = time.time()
    async with adapter_for(feishu, catch_up=2).connect(bot):
        await feishu.until(lambda: bot.messages)
        await feishu.settled()
    assert bot.texts == ["two"]
    bot = Bot(feishu)
    bot.followed_topics[where] = time.time() + 600
    async with adapter_for(feishu).connect(bot):
        await feishu.until(lambda: any(call.route == "im.v1.message.list" and call.done for call in feishu.calls))
        await feishu.settled()
    assert not bot.messages


async def test_a_conversation_that_cannot_be_read_does_not_keep_others_from_it(feishu: LoopbackFeishu) -> None:
    bot, where = Bot(feishu), await missed(feishu)
    bot.followed_topics[Conversation("feishu", TENANT, "oc_gone", "om_gone")] = time.time() + 1
    bot.followed_topics[where] = time.time()
    feishu.fault("im.v1.message.list", "429", retry_after=0.1)
    async with adapter_for(feishu).connect(bot):
        await feishu.until(lambda: "two" in bot.texts)


async def test_a_silent_store_is_asked_again(feishu: LoopbackFeishu, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botkit.catchup.AGAIN_AFTER", 0.05)
    bot, where = Bot(feishu), await missed(feishu)
    bot.followed_topics[where] = time.time()
    bot.silent = 1
    async with adapter_for(feishu).connect(bot):
        await feishu.until(lambda: bot.texts == ["one", "two"])


async def test_a_first_mention_in_a_group_without_a_topic_of_the_bots_is_found(feishu: LoopbackFeishu) -> None:
    feishu.app.events.discard("im.message.receive_v1")
    feishu.app.scopes = {need.scope for need in NEEDS}  # exactly what the console is told
    bot = Bot(feishu)
    await feishu.say("bob", "general", "nobody asked")
    said = await feishu.say("bob", "general", f"{feishu.app.mention} hello?")
    for number in range(60):
        await feishu.say("alice", "general", f"talk {number}")
    async with adapter_for(feishu, catch_up=5).connect(bot):
        await feishu.until(lambda: bot.messages)
        await feishu.settled()
    assert bot.texts == ["hello?"]
    assert bot.messages[0].conversation == topic(said)


@pytest.mark.parametrize("scope", ["im:chat:readonly", "im:message.group_msg"])
async def test_without_a_scope_groups_are_not_read_and_nothing_else_suffers(feishu: LoopbackFeishu, scope: str) -> None:
    feishu.app.events.discard("im.message.receive_v1")
    feishu.app.scopes = {need.scope for need in NEEDS} - {scope}
    bot, chat = Bot(feishu), feishu.p2p("alice")
    await feishu.say("alice", chat, "directly")
    await feishu.say("bob", "general", f"{feishu.app.mention} hello?")
    bot.followed_topics[Conversation("feishu", TENANT, chat.id)] = time.time()
    async with adapter_for(feishu).connect(bot):
        await feishu.until(lambda: bot.messages and any(call.route == "im.v1.chat.list" for call in feishu.calls))
        await feishu.settled()
    assert bot.texts == ["directly"]


async def test_looking_through_groups_can_be_switched_off(feishu: LoopbackFeishu) -> None:
    bot = Bot(feishu)
    async with adapter_for(feishu, catch_up_groups=0).connect(bot):
        await feishu.settled()
    assert not any(call.route == "im.v1.chat.list" for call in feishu.calls)
