"""Connecting to Discord: what is asked for, clear refusals, resuming, and nothing left behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator

import pytest
from pydantic import SecretStr, ValidationError

from adapters.discord import DiscordSettings, plugin
from adapters.discord.gateway import gateway
from adapters.discord.testing import LoopbackDiscord
from adapters.discord.wire import Json
from botkit.errors import NotAllowed, Unreachable
from botkit.model import Conversation, Outgoing
from botkit.plugins import Setup
from tests.adapters.discord.rig import Bot, adapter_for


@pytest.fixture
async def discord() -> AsyncGenerator[LoopbackDiscord]:
    async with LoopbackDiscord(speed=50) as loopback:
        yield loopback


@pytest.fixture
def bot(discord: LoopbackDiscord) -> Bot:
    return Bot(discord)


async def test_without_the_intent_connecting_says_what_to_switch_on(discord: LoopbackDiscord, bot: Bot) -> None:
    discord.app.privileged = 0
    with pytest.raises(NotAllowed, match="Message Content Intent") as refused:
        async with asyncio.timeout(5), adapter_for(discord).connect(bot):
            pass
    assert refused.value.code == "4014"
    with pytest.raises(NotAllowed, match="Message Content Intent"):
        await adapter_for(discord).check()


async def test_with_a_wrong_token_connecting_says_where_to_get_one(discord: LoopbackDiscord, bot: Bot) -> None:
    adapter = adapter_for(discord, bot_token=SecretStr("wrong-token-value"))
    for entering in (adapter.connect(bot).__aenter__, adapter.check):
        with pytest.raises(NotAllowed, match="Reset Token") as refused:
            await entering()
        assert "wrong-token-value" not in str(refused.value)


async def test_a_token_the_gateway_refuses_is_named_too(discord: LoopbackDiscord, bot: Bot) -> None:
    async with adapter_for(discord).connect(bot):
        await discord.close(4004)
        await discord.until(lambda: not discord.connections())
        await discord.say("alice", discord.dm("alice"), "nobody hears")
    assert discord.identified == 1


async def test_where_nobody_listens_connecting_is_unreachable(discord: LoopbackDiscord, bot: Bot) -> None:
    with pytest.raises(Unreachable):
        async with adapter_for(discord, api_url="http://127.0.0.1:9/api").connect(bot):
            pass


async def test_check_says_who_the_bot_is_and_how_to_invite_it(discord: LoopbackDiscord) -> None:
    said = await adapter_for(discord).check()
    assert said.startswith(f"claude ({discord.app.bot.id})")
    assert f"client_id={discord.app.id}" in said


@pytest.mark.parametrize("how", ["cut", "reconnect", "close"])
async def test_a_broken_connection_is_resumed_and_nothing_is_lost(discord: LoopbackDiscord, bot: Bot, how: str) -> None:
    async with adapter_for(discord).connect(bot):
        await getattr(discord, how)()
        await discord.say("alice", discord.dm("alice"), "in between")
        await discord.until(lambda: bot.new)
        await discord.connected()
    assert (discord.identified, discord.resumed) == (1, 1)
    assert [message.text for message in bot.new] == ["in between"]


@pytest.mark.parametrize(
    "frame",
    [
        {"op": 10, "d": {}},
        {"op": 0, "t": "READY", "d": {}},
        {"op": 0, "t": "SOMETHING_NEW", "d": None},
        {"op": 0, "t": "MESSAGE_CREATE", "d": []},
    ],
)
async def test_what_nobody_understands_ends_nothing(discord: LoopbackDiscord, bot: Bot, frame: Json) -> None:
    async with adapter_for(discord).connect(bot):
        (link,) = discord.inside.site.gateway.of(discord.app)
        link.send(frame)
        await discord.say("alice", discord.dm("alice"), "still there?")
        await discord.until(lambda: bot.new, within=10)
    assert [message.text for message in bot.new] == ["still there?"]


async def test_a_connection_that_has_silently_died_is_noticed_and_resumed() -> None:
    heard: list[tuple[str, str]] = []

    def receive(event: str, data: Json) -> None:
        heard.append((event, str(data.get("content", ""))))

    async with (
        LoopbackDiscord(heartbeat_seconds=0.2) as discord,
        gateway(discord.token, discord.gateway_url, receive, heard_within=0.6),
    ):
        await discord.freeze()
        await discord.say("alice", discord.dm("alice"), "into the void")
        await discord.until(lambda: discord.resumed)
        await discord.say("alice", discord.dm("alice"), "there again")
        await discord.until(lambda: ("MESSAGE_CREATE", "there again") in heard)
    assert ("MESSAGE_CREATE", "into the void") in heard


async def test_a_session_that_cannot_be_resumed_is_begun_anew(discord: LoopbackDiscord, bot: Bot) -> None:
    async with adapter_for(discord).connect(bot):
        await discord.invalidate()
        await discord.until(lambda: discord.identified == 2, within=10)
        await discord.say("alice", discord.dm("alice"), "hello")
        await discord.until(lambda: bot.new)


async def test_events_that_come_twice_or_out_of_order_do_no_harm(discord: LoopbackDiscord, bot: Bot) -> None:
    discord.fault("events", "duplicate", where=lambda event: event["t"] == "MESSAGE_CREATE")
    async with adapter_for(discord).connect(bot):
        await discord.say("alice", discord.dm("alice"), "once")
        await discord.say("alice", discord.dm("alice"), "after")
        await discord.until(lambda: bot.attempts == 3)
    assert [message.text for message in bot.new] == ["once", "after"]


async def test_leaving_leaves_no_task_no_thread_and_no_connection(discord: LoopbackDiscord, bot: Bot) -> None:
    before = asyncio.all_tasks()
    adapter = adapter_for(discord)
    async with adapter.connect(bot):
        await discord.say("alice", discord.dm("alice"), "hello")
        await discord.until(lambda: bot.new)
    await discord.until(lambda: not discord.connections())
    left = [task for task in asyncio.all_tasks() - before if "discord-" in task.get_name()]
    assert left == []
    for thread in threading.enumerate():
        if "keep-alive" in thread.name:
            await asyncio.to_thread(thread.join, 5)
            assert not thread.is_alive()
    where = Conversation("discord", "@me", discord.dm("alice").id)
    await adapter.messenger.send(where, Outgoing("still able to speak"))
    assert discord.messages(discord.dm("alice"))[-1].text == "still able to speak"


async def test_what_is_under_way_is_handed_in_before_leaving(discord: LoopbackDiscord, bot: Bot) -> None:
    bot.slow = asyncio.Event()
    async with adapter_for(discord).connect(bot):
        await discord.say("alice", discord.dm("alice"), "hello")
        await discord.until(lambda: bot.attempts)
        asyncio.get_running_loop().call_later(0.1, bot.slow.set)
    assert [message.text for message in bot.new] == ["hello"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"bot_token": "Bot abc"}, "without 'Bot '"),
        ({"api_url": "discord.com"}, "api_url"),
        ({"gateway_url": "https://gateway.discord.gg"}, "gateway_url"),
        ({"colour": "red"}, "Extra inputs"),
        ({"bot_token": ""}, "bot_token must not be empty"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, str], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        DiscordSettings.model_validate({"bot_token": "abc", **changes})


def test_the_set_up_names_the_intent_and_the_exact_permissions() -> None:
    assert plugin.setup is not None
    steps = plugin.setup(Setup(()))
    assert "MESSAGE CONTENT INTENT" in steps
    assert "permissions=309237746688" in steps
    assert "scope=bot+applications.commands" in steps
