"""Slash commands, buttons and menus: answered in time, and a late answer is not lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from adapters.discord.adapter import DiscordAdapter
from adapters.discord.api import Api
from adapters.discord.interactions import LIFETIME, NOT_KEPT, NOT_TAKEN, TOO_OLD, Ticket
from adapters.discord.testing import LoopbackDiscord
from adapters.discord.wire import Interaction
from botkit.commands import Command
from botkit.events import TurnFinished
from botkit.model import Action, Conversation, Message, Outgoing
from tests.adapters.discord.rig import COMMANDS, Bot, adapter_for


@pytest.fixture
async def discord() -> AsyncGenerator[LoopbackDiscord]:
    async with LoopbackDiscord(speed=50) as loopback:
        yield loopback


@pytest.fixture
def bot(discord: LoopbackDiscord) -> Bot:
    return Bot(discord)


async def answer(adapter: DiscordAdapter, message: Message, text: str) -> None:
    async with adapter.reply_to(message, nonce=f"n-{message.id}") as reply:
        reply.push(TurnFinished(text))
    assert reply.delivered


async def test_a_slash_command_is_answered_where_it_was_used(discord: LoopbackDiscord, bot: Bot) -> None:
    adapter = adapter_for(discord)
    async with adapter.connect(bot):
        used = await discord.command("alice", "general", "stop", text="all")
        await discord.until(lambda: bot.messages)
        (message,) = bot.messages
        await answer(adapter, message, "Nothing runs here.")
    general = discord.channel("general")
    assert (message.id, message.text, message.kind) == (used.id, "/stop all", "new")
    assert message.conversation == Conversation("discord", discord.guild.id, general.id)
    assert [post.text for post in discord.messages("general")] == ["Nothing runs here."]
    assert [call.route for call in discord.calls if call.route in ("create_message", "edit_response")] == [
        "edit_response"
    ]
    discord.assert_clean()


async def test_a_slash_command_in_a_thread_is_about_that_thread(discord: LoopbackDiscord, bot: Bot) -> None:
    thread = await discord.thread("bob", "general", "talk")
    async with adapter_for(discord).connect(bot):
        await discord.command("alice", thread, "status")
        await discord.until(lambda: bot.messages)
        await discord.settled()
    general = discord.channel("general")
    assert bot.messages[0].conversation == Conversation("discord", discord.guild.id, general.id, thread.id)
    assert bot.messages[0].command == "status"


async def test_in_direct_messages_there_are_slash_commands_too(discord: LoopbackDiscord, bot: Bot) -> None:
    adapter = adapter_for(discord)
    async with adapter.connect(bot):
        await discord.command("alice", discord.dm("alice"), "help")
        await discord.until(lambda: bot.messages)
        await answer(adapter, bot.messages[0], "Commands: …")
    assert bot.messages[0].conversation == Conversation("discord", "@me", discord.dm("alice").id)
    assert bot.messages[0].conversation.direct
    assert discord.messages(discord.dm("alice"))[-1].text == "Commands: …"


async def test_after_fifteen_minutes_the_answer_is_a_message_of_its_own(bot: Bot) -> None:
    async with LoopbackDiscord(speed=9_000) as quick:  # fifteen minutes are a tenth of a second
        adapter, hub = adapter_for(quick), Bot(quick)
        async with adapter.connect(hub):
            used = await quick.command("alice", "general", "status")
            await quick.until(lambda: hub.messages)
            await quick.settled()
            await asyncio.sleep(max(0.0, 0.2 - used.seconds))
            await answer(adapter, hub.messages[0], "At last.")
        assert quick.messages("general")[-1].text == "At last."
        assert "create_message" in [call.route for call in quick.calls]


async def test_a_ticket_that_is_too_old_is_not_even_tried(discord: LoopbackDiscord) -> None:
    now = 0.0
    ticket = Ticket(Api(discord.token, discord.url), Interaction(application_id="1", token="t"), lambda: now)
    ticket.deferred.set_result(True)
    now = LIFETIME
    assert not ticket.open
    assert await ticket.answer({}) == ""
    assert discord.calls == []


async def test_when_discord_has_forgotten_the_command_the_answer_is_posted(discord: LoopbackDiscord, bot: Bot) -> None:
    adapter = adapter_for(discord)
    async with adapter.connect(bot):
        discord.fault("edit_response", "error", code=50027)
        await discord.command("alice", "general", "status")
        await discord.until(lambda: bot.messages)
        await answer(adapter, bot.messages[0], "All the same.")
    assert [post.text for post in discord.messages("general") if post.text] == ["All the same."]


async def test_a_command_the_store_could_not_keep_says_so_at_once(discord: LoopbackDiscord, bot: Bot) -> None:
    bot.silent = 1
    async with adapter_for(discord).connect(bot):
        await discord.command("alice", "general", "status")
        await discord.until(lambda: discord.messages("general"))
    (post,) = discord.messages("general")
    assert (post.text, post.only_for) == (NOT_KEPT, discord.person("alice"))
    discord.assert_clean()


async def test_a_command_that_nobody_takes_is_answered_all_the_same(discord: LoopbackDiscord, bot: Bot) -> None:
    bot.unwanted = True
    async with adapter_for(discord).connect(bot):
        await discord.command("alice", "general", "status")
        await discord.until(lambda: discord.messages("general"))
    assert discord.messages("general")[0].text == NOT_TAKEN
    discord.assert_clean()


async def test_a_pressed_button_is_its_command_in_its_conversation(discord: LoopbackDiscord, bot: Bot) -> None:
    adapter = adapter_for(discord)
    async with adapter.connect(bot):
        said = await discord.say("alice", "general", f"{discord.app.mention} hello")
        await discord.until(lambda: bot.messages)
        where = bot.messages[0].conversation
        long = Action("Long", "/answer " + "x" * 200)
        ref = await adapter.messenger.send(where, Outgoing("May I?", (Action("Yes", "/allow r1", "primary"), long)))
        assert said.thread is not None
        post = said.thread.posts[ref.id]
        await discord.press("alice", post, "Yes")
        await discord.press("bob", post, "Long")
        await discord.until(lambda: len(bot.messages) == 3)
        await discord.settled()
    _, first, second = bot.messages
    assert (first.kind, first.text, first.reply_to, first.conversation) == ("action", "/allow r1", ref.id, where)
    assert (second.text, second.author.id) == (long.command, discord.person("bob").id)
    discord.assert_clean()


async def test_a_button_outside_the_thread_still_knows_its_conversation(discord: LoopbackDiscord, bot: Bot) -> None:
    discord.app.permissions &= ~(1 << 35)
    adapter = adapter_for(discord)
    async with adapter.connect(bot):
        await discord.say("alice", "general", f"{discord.app.mention} hello")
        await discord.until(lambda: bot.messages)
        await adapter.messenger.send(bot.messages[0].conversation, Outgoing("May I?", (Action("Yes", "/allow r1"),)))
        await discord.press("alice", discord.messages("general")[-1], "Yes")
        await discord.until(lambda: len(bot.messages) == 2)
    assert bot.messages[1].conversation == bot.messages[0].conversation


async def test_many_choices_are_a_menu(discord: LoopbackDiscord, bot: Bot) -> None:
    adapter = adapter_for(discord)
    async with adapter.connect(bot):
        where = Conversation("discord", discord.guild.id, discord.channel("general").id)
        choices = tuple(Action(f"Choice {number}", f"/answer r1 0 {number}") for number in range(30))
        await adapter.messenger.send(where, Outgoing("Which?", (*choices, Action("None", "/deny r1", "danger"))))
        post = discord.messages("general")[-1]
        await discord.select("alice", post, "botkit:m1::", "Choice 27")
        await discord.press("alice", post, "None")
        await discord.until(lambda: len(bot.messages) == 2)
        await discord.settled()
    assert [message.text for message in bot.messages] == ["/answer r1 0 27", "/deny r1"]
    discord.assert_clean()


async def test_a_button_whose_command_was_forgotten_says_so(discord: LoopbackDiscord, bot: Bot) -> None:
    where = Conversation("discord", discord.guild.id, discord.channel("general").id)
    await adapter_for(discord).messenger.send(where, Outgoing("?", (Action("Long", "/answer " + "x" * 200),)))
    async with adapter_for(discord).connect(bot):
        await discord.press("alice", discord.messages("general")[-1], "Long")
        await discord.until(lambda: len(discord.messages("general")) == 2)
    assert discord.messages("general")[-1].text == TOO_OLD
    assert bot.messages == []
    discord.assert_clean()


async def test_commands_are_told_to_discord_only_when_they_changed(discord: LoopbackDiscord, bot: Bot) -> None:
    for _ in range(2):
        async with adapter_for(discord).connect(bot):
            pass
    assert len([call for call in discord.calls if call.route == "overwrite_commands"]) == 1
    discord.app.commands[""][0] = replace_name(discord.app.commands[""][0])
    async with adapter_for(discord).connect(bot):
        pass
    assert len([call for call in discord.calls if call.route == "overwrite_commands"]) == 2
    async with adapter_for(discord, slash_commands=False).connect(bot):
        pass
    assert len([call for call in discord.calls if call.route == "list_commands"]) == 3


async def test_the_menu_offers_what_the_bot_offers(discord: LoopbackDiscord, bot: Bot) -> None:
    bot.commands = (*COMMANDS, Command("x" * 33, "too long a name for Discord"))
    async with adapter_for(discord).connect(bot):
        offered = {command["name"]: command for command in discord.app.commands[""]}
        assert list(offered) == ["help", "stop", "status", "resume", "deploy"]
        assert offered["stop"]["description"] == "stop what runs; all clears the queue too"
        assert offered["deploy"]["description"] == "put it into service (for the role admin)"
        assert [offered[name]["options"] for name in ("help", "stop", "resume")] == [
            [],
            [{"type": 3, "name": "text", "description": "[all]", "required": False}],
            [{"type": 3, "name": "text", "description": "N|ID", "required": True}],
        ]
        await discord.command("alice", "general", "deploy", text="live tonight")
        await discord.until(lambda: bot.messages)
        assert bot.messages[0].text == "/deploy live tonight"
    bot.commands = COMMANDS[:2]
    async with adapter_for(discord).connect(bot):
        assert [command["name"] for command in discord.app.commands[""]] == ["help", "stop"]


def replace_name(command: dict[str, object]) -> dict[str, object]:
    return {**command, "description": "Something else"}


async def test_without_slash_commands_typed_ones_begin_with_another_sign(discord: LoopbackDiscord) -> None:
    with_them, without = adapter_for(discord), adapter_for(discord, slash_commands=False)
    assert with_them.messenger.capabilities.command_prefix == "/"
    assert without.messenger.capabilities == replace(with_them.messenger.capabilities, command_prefix="!")
