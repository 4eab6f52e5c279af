"""What happens between people in Discord and the bot: every message once, in its thread, and none lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from adapters.discord.testing import LoopbackDiscord
from botkit.events import TextDelta, TurnFinished
from botkit.model import Conversation, Outgoing
from tests.adapters.discord.rig import Bot, adapter_for


@pytest.fixture
async def discord() -> AsyncGenerator[LoopbackDiscord]:
    async with LoopbackDiscord(speed=50) as loopback:
        yield loopback


@pytest.fixture
def bot(discord: LoopbackDiscord) -> Bot:
    return Bot(discord)


async def test_a_mention_begins_a_conversation_in_the_thread_that_will_be_made(
    discord: LoopbackDiscord, bot: Bot
) -> None:
    async with adapter_for(discord).connect(bot):
        said = await discord.say("alice", "general", f"{discord.app.mention} is *this* it?")
        await discord.until(lambda: bot.messages)
    (message,) = bot.messages
    assert (message.id, message.text, message.author.name) == (said.id, "is *this* it?", "Alice")
    assert message.conversation == Conversation("discord", discord.guild.id, said.channel.id, said.id)
    assert message.addressed
    assert not message.conversation.direct
    discord.assert_clean()


async def test_everyone_is_not_the_bot(discord: LoopbackDiscord, bot: Bot) -> None:
    async with adapter_for(discord).connect(bot):
        await discord.say("alice", "general", "@everyone hello")
        await discord.say("alice", "general", f"{discord.app.mention} and you")
        await discord.until(lambda: bot.new)
    assert [message.text for message in bot.messages] == ["and you"]


async def test_the_thread_is_named_after_what_was_asked_and_made_once(discord: LoopbackDiscord, bot: Bot) -> None:
    adapter = adapter_for(discord)
    async with adapter.connect(bot):
        said = await discord.say("alice", "general", f"{discord.app.mention} why is the build red?\nsee below")
        await discord.until(lambda: bot.messages)
        where = bot.messages[0].conversation
        await asyncio.gather(*(adapter.messenger.send(where, Outgoing(text)) for text in ("one", "two", "three")))
    assert said.thread is not None
    assert said.thread.name == "why is the build red?"
    assert {post.text for post in discord.messages(said.thread) if post.app} == {"one", "two", "three"}
    assert len([call for call in discord.calls if call.route == "start_thread"]) == 1
    discord.assert_clean()


async def test_after_a_restart_the_answer_finds_its_thread_or_makes_it(discord: LoopbackDiscord, bot: Bot) -> None:
    said = await discord.say("alice", "general", f"{discord.app.mention} to be named")
    where = Conversation("discord", discord.guild.id, said.channel.id, said.id)
    await adapter_for(discord).messenger.send(where, Outgoing("first"))
    await adapter_for(discord).messenger.send(where, Outgoing("second"))
    assert said.thread is not None
    assert said.thread.name == "@claude to be named"
    assert [post.text for post in discord.messages(said.thread) if post.app] == ["first", "second"]


async def test_where_no_thread_can_be_made_answers_stand_in_the_channel(discord: LoopbackDiscord, bot: Bot) -> None:
    discord.app.permissions &= ~(1 << 35)
    adapter = adapter_for(discord)
    async with adapter.connect(bot):
        said = await discord.say("alice", "general", f"{discord.app.mention} hello")
        await discord.until(lambda: bot.messages)
        ref = await adapter.messenger.send(bot.messages[0].conversation, Outgoing("Hi."))
        await adapter_for(discord).messenger.edit(ref, Outgoing("Hi, Alice."))
    answer = discord.messages("general")[-1]
    assert (answer.text, answer.reply_to, answer.pings) == ("Hi, Alice.", said.id, [])
    assert ref.conversation == bot.messages[0].conversation


async def test_a_mention_in_a_thread_stays_there_with_what_was_said_before(discord: LoopbackDiscord, bot: Bot) -> None:
    root = await discord.say("alice", "general", "the build is red")
    thread = await discord.thread("bob", "general", "red", root)
    async with adapter_for(discord).connect(bot):
        await discord.say("bob", thread, f"{discord.person('carol').mention} did you see?")
        await discord.say("carol", thread, f"{discord.app.mention} why?")
        await discord.until(lambda: bot.new)
    (message,) = bot.new
    assert message.conversation == Conversation("discord", discord.guild.id, root.channel.id, thread.id)
    assert message.context == "**Alice**: the build is red\n\n**Bob**: @Carol did you see?"
    discord.assert_clean()


async def test_a_reply_in_a_followed_thread_needs_no_mention(discord: LoopbackDiscord, bot: Bot) -> None:
    thread = await discord.thread("bob", "general", "talk")
    async with adapter_for(discord).connect(bot):
        await discord.say("alice", thread, f"{discord.app.mention} hello")
        await discord.until(lambda: bot.new)
        bot.followed_threads[bot.new[0].conversation] = 0.0
        first = await discord.say("bob", thread, "and me?")
        await discord.say("bob", thread, f"{discord.person('carol').mention} not you")
        await discord.say("carol", thread, "a word to Bob", first, ping=False)
        await discord.say("alice", "general", "elsewhere")
        await discord.say("carol", thread, "to all")
        await discord.until(lambda: len(bot.new) == 3)
    assert [message.text for message in bot.new] == ["hello", "and me?", "to all"]


async def test_direct_messages_are_one_conversation(discord: LoopbackDiscord, bot: Bot) -> None:
    channel = discord.dm("alice")
    async with adapter_for(discord).connect(bot):
        await discord.say("alice", channel, "one")
        await discord.say("alice", channel, "two")
        await discord.until(lambda: len(bot.new) == 2)
    assert [message.text for message in bot.new] == ["one", "two"]
    assert {message.conversation for message in bot.new} == {Conversation("discord", "@me", channel.id)}
    assert all(message.conversation.direct for message in bot.new)
    discord.assert_clean()


async def test_an_edit_and_a_deletion_arrive_but_a_preview_does_not(discord: LoopbackDiscord, bot: Bot) -> None:
    async with adapter_for(discord).connect(bot):
        said = await discord.say("alice", discord.dm("alice"), "first")
        await discord.unfold(said)
        await discord.edit(said, "better")
        await discord.unfold(said)
        await discord.delete(said)
        await discord.until(lambda: len(bot.messages) == 3)
    assert [(message.kind, message.text, message.reply_to) for message in bot.messages] == [
        ("new", "first", ""),
        ("edited", "better", said.id),
        ("deleted", "", said.id),
    ]
    assert len({message.id for message in bot.messages}) == 3
    assert {message.author.id for message in bot.messages} == {discord.person("alice").id}


async def test_a_mention_added_by_an_edit_calls_the_bot(discord: LoopbackDiscord, bot: Bot) -> None:
    async with adapter_for(discord).connect(bot):
        said = await discord.say("alice", "general", "is this it?")
        await discord.edit(said, f"{discord.app.mention} is this it?")
        await discord.until(lambda: bot.new)
    assert [(message.id, message.kind) for message in bot.messages] == [(said.id, "new")]


async def test_bots_notices_and_the_bot_itself_are_not_answered(discord: LoopbackDiscord, bot: Bot) -> None:
    other = discord.install("other")
    adapter = adapter_for(discord)
    async with adapter.connect(bot):
        where = Conversation("discord", discord.guild.id, discord.channel("general").id)
        await adapter.messenger.send(where, Outgoing("I speak"))
        await adapter_for(discord, other).messenger.send(where, Outgoing(f"{discord.app.mention} bots too"))
        await discord.thread("alice", "general", "a thread", discord.messages("general")[-1])
        await discord.say("alice", discord.dm("alice"), "at last")
        await discord.until(lambda: bot.messages)
    assert [message.text for message in bot.messages] == ["at last"]
    assert bot.attempts == 1


async def test_a_message_the_store_could_not_keep_is_tried_again_in_its_place(
    discord: LoopbackDiscord, bot: Bot
) -> None:
    bot.silent = 1
    async with adapter_for(discord).connect(bot):
        await discord.say("alice", discord.dm("alice"), "one")
        await discord.say("alice", discord.dm("alice"), "two")
        await discord.until(lambda: len(bot.messages) == 2)
    assert [message.text for message in bot.messages] == ["one", "two"]


async def test_while_the_store_cannot_say_what_is_followed_a_message_waits(discord: LoopbackDiscord, bot: Bot) -> None:
    thread = await discord.thread("bob", "general", "talk")
    where = Conversation("discord", discord.guild.id, discord.channel("general").id, thread.id)
    bot.followed_threads[where], bot.forgetful = 0.0, 1
    async with adapter_for(discord).connect(bot):
        await discord.say("alice", thread, "more")
        await discord.until(lambda: bot.new)
    assert [message.text for message in bot.new] == ["more"]


async def test_a_stranger_costs_no_call(discord: LoopbackDiscord, bot: Bot) -> None:
    bot.strangers.add(discord.person("bob").id)
    thread = await discord.thread("bob", "general", "talk")
    async with adapter_for(discord).connect(bot):
        await discord.settled()
        before = len(discord.calls)
        await discord.say("bob", "general", f"{discord.app.mention} hello")
        await discord.say("bob", thread, f"{discord.app.mention} hello")
        await discord.command("bob", "general", "help")
        await discord.until(lambda: bot.attempts == 3)
        assert len(discord.calls) == before
    assert bot.messages == []


async def test_each_person_sees_that_the_bot_types_until_it_has_answered(discord: LoopbackDiscord, bot: Bot) -> None:
    adapter = adapter_for(discord)
    async with adapter.connect(bot):
        said = await discord.say("alice", "general", f"{discord.app.mention} hello")
        await discord.until(lambda: bot.messages)
        async with adapter.reply_to(bot.messages[0], nonce="r1") as reply:
            await discord.until(lambda: said.thread and discord.shows_typing(said.thread))
            reply.push(TextDelta("Half"))
            await discord.until(lambda: said.thread and [post for post in discord.messages(said.thread) if post.app])
            reply.push(TextDelta(" and whole."))
            reply.push(TurnFinished("Half and whole."))
        assert reply.delivered
    assert said.thread is not None
    assert "Half and whole." in discord.messages(said.thread)[-1].text
    discord.assert_clean()


async def test_a_growing_answer_never_runs_into_a_rate_limit() -> None:
    async with LoopbackDiscord() as discord:  # at Discord's own pace
        bot, adapter = Bot(discord), adapter_for(discord, typing=False)
        async with adapter.connect(bot):
            await discord.say("alice", discord.dm("alice"), "hello")
            await discord.until(lambda: bot.messages)
            async with adapter.reply_to(bot.messages[0], nonce="r1") as reply:
                for number in range(30):
                    reply.push(TextDelta(f"word{number} "))
                    await asyncio.sleep(0.1)
                reply.push(TurnFinished("The end."))
            assert reply.delivered
        assert "The end." in discord.messages(discord.dm("alice"))[-1].text
        discord.assert_clean()


async def test_two_bots_in_one_process_keep_apart(discord: LoopbackDiscord) -> None:
    other = discord.install("other")
    first, second = Bot(discord), Bot(discord, "second")
    async with LoopbackDiscord(speed=50) as elsewhere:
        third = Bot(elsewhere, "third")
        async with (
            adapter_for(discord).connect(first),
            adapter_for(discord, other).connect(second),
            adapter_for(elsewhere).connect(third),
        ):
            await discord.say("alice", "general", f"{discord.app.mention} one")
            await discord.say("alice", "general", f"{other.mention} two")
            await elsewhere.say("alice", "general", f"{elsewhere.app.mention} three")
            await discord.until(lambda: first.new and second.new)
            await elsewhere.until(lambda: third.new)
    assert [[message.text for message in bot.new] for bot in (first, second, third)] == [["one"], ["two"], ["three"]]


async def test_a_thread_locked_or_an_answer_deleted_in_the_middle_is_survived(
    discord: LoopbackDiscord, bot: Bot
) -> None:
    adapter = adapter_for(discord, typing=False)
    async with adapter.connect(bot):
        channel = discord.dm("alice")
        await discord.say("alice", channel, "hello")
        await discord.until(lambda: bot.messages)
        async with adapter.reply_to(bot.messages[0], nonce="r1") as reply:
            reply.push(TextDelta("Half"))
            half = await discord.until(lambda: next((post for post in discord.messages(channel) if post.app), None))
            assert half is not None
            await discord.delete(half)
            reply.push(TextDelta(" and whole."))
            reply.push(TurnFinished("Half and whole."))
        assert reply.delivered
        assert discord.messages(channel)[-1].text == "Half and whole."
        thread = await discord.thread("alice", "general", "talk")
        await discord.say("alice", thread, f"{discord.app.mention} hello")
        await discord.until(lambda: len(bot.messages) == 2)
        await discord.archive(thread, locked=True)
        async with asyncio.timeout(5), adapter.reply_to(bot.messages[1], nonce="r2") as reply:
            reply.push(TurnFinished("Nobody can read this."))
        assert not reply.delivered


async def test_a_limit_on_making_threads_is_waited_out_not_hammered(discord: LoopbackDiscord, bot: Bot) -> None:
    discord.fault("start_thread", "429", retry_after=0.3)
    adapter = adapter_for(discord, typing=False)
    async with adapter.connect(bot):
        said = await discord.say("alice", "general", f"{discord.app.mention} hello")
        await discord.until(lambda: bot.messages)
        async with adapter.reply_to(bot.messages[0], nonce="r1") as reply:
            reply.push(TurnFinished("Done."))
        assert reply.delivered
    assert said.thread is not None
    assert len([call for call in discord.calls if call.route == "start_thread"]) == 2


async def test_ten_answers_grow_beside_each_other_within_the_limits() -> None:
    async with LoopbackDiscord() as discord:  # at Discord's own pace
        bot, adapter = Bot(discord), adapter_for(discord)
        async with adapter.connect(bot):
            people = [discord.person(f"person{number}") for number in range(10)]
            for person in people:
                await discord.say(person, discord.dm(person), "hello")
            await discord.until(lambda: len(bot.new) == 10)

            async def grow(number: int) -> None:
                async with adapter.reply_to(bot.new[number], nonce=f"r{number}") as reply:
                    for word in range(20):
                        reply.push(TextDelta(f"word{word} "))
                        await asyncio.sleep(0.1)
                    reply.push(TurnFinished("The end."))
                assert reply.delivered

            await asyncio.gather(*map(grow, range(10)))
        for person in people:
            assert "The end." in discord.messages(discord.dm(person))[-1].text
        discord.assert_clean()
