"""What people wrote while botkit was down is answered when it is back: Discord delivers it never again."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator

import pytest

from adapters.discord.testing import LoopbackDiscord
from botkit.model import Conversation
from tests.adapters.discord.rig import Bot, adapter_for


@pytest.fixture
async def discord() -> AsyncGenerator[LoopbackDiscord]:
    async with LoopbackDiscord(limits=False) as loopback:
        yield loopback


@pytest.fixture
def bot(discord: LoopbackDiscord) -> Bot:
    return Bot(discord)


async def test_missed_messages_of_a_followed_thread_come_in_their_order_and_once(
    discord: LoopbackDiscord, bot: Bot
) -> None:
    thread = await discord.thread("bob", "general", "talk")
    async with adapter_for(discord).connect(bot):
        await discord.say("alice", thread, f"{discord.app.mention} hello")
        await discord.until(lambda: bot.new)
    where = bot.new[0].conversation
    bot.followed_threads[where] = time.time()
    await discord.say("alice", thread, "are you there?")
    await discord.say("bob", thread, f"{discord.person('carol').mention} not you")
    await discord.say("alice", thread, "hello?")
    async with adapter_for(discord).connect(bot):
        await discord.until(lambda: len(bot.new) == 3)
        await discord.settled()
    assert [message.text for message in bot.new] == ["hello", "are you there?", "hello?"]
    assert {message.conversation for message in bot.new} == {where}
    discord.assert_clean()


async def test_missed_direct_messages_are_found(discord: LoopbackDiscord, bot: Bot) -> None:
    channel = discord.dm("alice")
    bot.followed_threads[Conversation("discord", "@me", channel.id, direct=True)] = time.time()
    await discord.say("alice", channel, "anybody?")
    async with adapter_for(discord).connect(bot):
        await discord.until(lambda: bot.new)
    assert [(message.text, message.conversation.direct) for message in bot.new] == [("anybody?", True)]


async def test_a_missed_mention_in_any_channel_is_found_and_nothing_else_there(
    discord: LoopbackDiscord, bot: Bot
) -> None:
    await discord.say("alice", "general", "not for you")
    said = await discord.say("alice", "general", f"{discord.app.mention} were you away?")
    await discord.say("bob", "random", "nothing at all")
    async with adapter_for(discord).connect(bot):
        await discord.until(lambda: bot.new)
        await discord.settled()
    assert [(message.id, message.text) for message in bot.messages] == [(said.id, "were you away?")]
    assert bot.new[0].conversation == Conversation("discord", discord.guild.id, said.channel.id, said.id)


async def test_what_is_too_old_or_not_wanted_is_left_alone(discord: LoopbackDiscord, bot: Bot) -> None:
    await discord.say("alice", "general", f"{discord.app.mention} hello")
    for adapter in (adapter_for(discord, catch_up=0), adapter_for(discord, catch_up_age=0.0)):
        async with adapter.connect(bot):
            await discord.settled()
    assert bot.messages == []
    assert not [call for call in discord.calls if call.route == "list_messages"]


async def test_a_lost_session_is_caught_up_without_a_restart(discord: LoopbackDiscord, bot: Bot) -> None:
    async with adapter_for(discord).connect(bot):
        await discord.say("alice", "general", f"{discord.app.mention} one")
        await discord.until(lambda: bot.new)
        discord.refuse()
        await discord.cut()
        await discord.forget()
        await discord.say("alice", "general", f"{discord.app.mention} two")
        discord.refuse(refusing=False)
        await discord.until(lambda: len(bot.new) == 2, within=20)
    assert [message.text for message in bot.new] == ["one", "two"]
    assert discord.identified == 2


async def test_a_channel_the_bot_may_not_read_does_not_stop_the_others(discord: LoopbackDiscord, bot: Bot) -> None:
    discord.fault("list_messages", "error", code=50001, times=1)
    await discord.say("alice", "random", f"{discord.app.mention} one")
    await discord.say("alice", "general", f"{discord.app.mention} two")
    async with adapter_for(discord).connect(bot):
        await discord.until(lambda: bot.new)
    assert [message.text for message in bot.new] == ["one"]
