"""What arrives is handed in, in order, also when the store or Discord does not help."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest

from adapters.discord.api import Api
from adapters.discord.components import Keys
from adapters.discord.history import History
from adapters.discord.intake import Intake
from adapters.discord.interactions import Interactions
from adapters.discord.messenger import DiscordMessenger
from adapters.discord.parse import Me
from adapters.discord.places import Places
from adapters.discord.testing import LoopbackDiscord
from adapters.discord.threads import Threads
from adapters.discord.wire import Json
from botkit.model import Conversation
from tests.adapters.discord.rig import Bot, adapter_for


@pytest.fixture
async def discord() -> AsyncGenerator[LoopbackDiscord]:
    async with LoopbackDiscord(limits=False) as loopback:
        yield loopback


def intake_for(discord: LoopbackDiscord, bot: Bot, lost: Callable[[], None], try_for: float) -> Intake:
    api, places = Api(discord.token, discord.url), Places()
    threads = Threads(api, places)
    return Intake(
        bot,
        Me("discord", discord.app.bot.id),
        api=api,
        places=places,
        threads=threads,
        messenger=DiscordMessenger(api, threads, Keys(), prefix="/"),
        interactions=Interactions(api),
        history=History(api),
        context=0,
        lost=lost,
        try_for=try_for,
    )


def direct(discord: LoopbackDiscord, id: str, text: str) -> Json:
    author = {"id": discord.person("alice").id, "username": "alice"}
    return {"id": id, "channel_id": discord.dm("alice").id, "type": 0, "content": text, "author": author}


async def test_a_message_the_store_never_took_is_left_to_catching_up_and_holds_up_nobody(
    discord: LoopbackDiscord,
) -> None:
    bot, lost = Bot(discord), asyncio.Event()
    intake = intake_for(discord, bot, lost.set, try_for=0.1)
    bot.silent = 1
    intake.receive("MESSAGE_CREATE", direct(discord, "1000", "one"))
    intake.receive("MESSAGE_CREATE", direct(discord, "2000", "two"))
    async with asyncio.timeout(5):
        await lost.wait()
        await discord.until(lambda: bot.new)
    await intake.finish(1.0)
    assert [message.text for message in bot.new] == ["two"]


async def test_while_leaving_nothing_new_is_taken_and_trying_ends(discord: LoopbackDiscord) -> None:
    bot, lost = Bot(discord), asyncio.Event()
    intake = intake_for(discord, bot, lost.set, try_for=60)
    bot.silent = 100
    intake.receive("MESSAGE_CREATE", direct(discord, "1000", "one"))
    await discord.until(lambda: bot.attempts)
    async with asyncio.timeout(5):
        await intake.finish(3.0)
    assert lost.is_set()
    intake.receive("MESSAGE_CREATE", direct(discord, "2000", "two"))
    await intake.finish(0.1)
    assert bot.attempts == 2


async def test_messages_deleted_in_one_go_are_deleted_each(discord: LoopbackDiscord) -> None:
    bot = Bot(discord)
    intake = intake_for(discord, bot, lambda: None, try_for=1)
    for id in ("1000", "2000"):
        intake.receive("MESSAGE_CREATE", direct(discord, id, "hello"))
    intake.receive("MESSAGE_DELETE_BULK", {"ids": ["1000", "2000", "3000"], "channel_id": discord.dm("alice").id})
    await intake.finish(3.0)
    assert [message.reply_to for message in bot.messages if message.kind == "deleted"] == ["1000", "2000"]


async def test_events_of_an_unknown_shape_are_passed_over(discord: LoopbackDiscord) -> None:
    bot = Bot(discord)
    intake = intake_for(discord, bot, lambda: None, try_for=1)
    for event in ("MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "INTERACTION_CREATE", "SOMETHING_NEW", "READY"):
        intake.receive(event, {"id": 5, "author": "nobody", "data": []})
    await intake.finish(1.0)
    assert bot.attempts == 0


async def test_a_thread_that_nobody_told_of_is_asked_for_once(discord: LoopbackDiscord) -> None:
    bot = Bot(discord)
    thread = await discord.thread("bob", "general", "old talk")
    await discord.archive(thread)
    discord.fault("events", "drop", times=5, where=lambda event: event["t"] == "THREAD_UPDATE")
    async with adapter_for(discord, thread_context=0).connect(bot):
        for text in ("one", "two"):
            await discord.say("alice", thread, f"{discord.app.mention} {text}")
        await discord.until(lambda: len(bot.new) == 2)
    general = discord.channel("general")
    assert {message.conversation for message in bot.new} == {
        Conversation("discord", discord.guild.id, general.id, thread.id)
    }
    assert len([call for call in discord.calls if call.route == "get_channel"]) == 1


async def test_typing_is_a_sign_in_threads_and_direct_messages_only(discord: LoopbackDiscord) -> None:
    bot = Bot(discord)
    async with adapter_for(discord).connect(bot):
        thread = await discord.thread("alice", "general", "a talk")
        direct = discord.dm("alice")
        for place in (discord.channel("general"), thread, direct):
            await discord.typing("alice", place)
        await discord.until(lambda: len(bot.signs) == 2)
        assert [(where.channel, where.thread, where.direct) for where, _ in bot.signs] == [
            (discord.channel("general").id, thread.id, False),
            (direct.id, "", True),
        ]
        assert {who.id for _, who in bot.signs} == {discord.person("alice").id}
    assert bot.messages == []
    discord.assert_clean()
