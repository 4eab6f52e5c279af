"""What happens between people in Slack and the bot, over a socket: every message once, and none lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from pydantic import SecretStr

from adapters.slack import SlackSettings
from adapters.slack.adapter import SlackAdapter
from adapters.slack.testing import LoopbackSlack
from botkit.errors import NotAllowed
from botkit.model import Conversation
from tests.adapters.slack.rig import Bot, adapter_for, settings_for


@pytest.fixture
async def slack() -> AsyncGenerator[LoopbackSlack]:
    async with LoopbackSlack(speed=6_000, ack_seconds=1.0) as loopback:
        yield loopback


@pytest.fixture
def bot(slack: LoopbackSlack) -> Bot:
    return Bot(slack)


async def test_a_mention_is_taken_once_though_it_arrives_as_two_events(slack: LoopbackSlack, bot: Bot) -> None:
    async with adapter_for(slack).connect(bot):
        said = await slack.say("alice", "general", f"{slack.app.mention} is 1 < 2 & why?")
        await slack.settled()
    assert [message.id for message in bot.messages] == [f"{said.channel.id}:{said.ts}"]
    (message,) = bot.messages
    assert (message.text, message.author.name, message.addressed) == ("is 1 < 2 & why?", "alice", True)
    assert message.conversation == Conversation("slack", slack.team.id, said.channel.id, said.ts)
    assert bot.attempts == 2
    slack.assert_clean()


async def test_opening_the_chat_is_a_sign_and_no_message(slack: LoopbackSlack, bot: Bot) -> None:
    async with adapter_for(slack).connect(bot):
        await slack.open_home("alice")
        root = await slack.open_assistant("bob")
        await slack.until(lambda: len(bot.signs) == 2)
    (home, alice), (split, bob) = bot.signs
    assert (home.channel, home.thread, home.direct) == (slack.dm("alice").id, "", True)
    assert (split.channel, split.thread, split.direct) == (slack.dm("bob").id, root.ts, True)
    assert (alice.id, bob.id) == (slack.person("alice").id, slack.person("bob").id)
    assert bot.messages == []


async def test_slack_is_told_only_after_the_message_is_durable(slack: LoopbackSlack, bot: Bot) -> None:
    bot.slow = asyncio.Event()
    async with adapter_for(slack).connect(bot):
        await slack.say("alice", slack.dm("alice"), "hello")
        await slack.until(lambda: bot.attempts == 1)
        (delivery,) = slack.deliveries
        assert not delivery.attempts
        bot.slow.set()
        await slack.settled()
        assert delivery.acked
    assert [message.text for message in bot.messages] == ["hello"]


async def test_a_message_the_store_could_not_keep_comes_again(slack: LoopbackSlack, bot: Bot) -> None:
    bot.silent = 1
    async with adapter_for(slack).connect(bot):
        await slack.say("alice", slack.dm("alice"), "hello")
        await slack.settled()
    (delivery,) = slack.deliveries
    assert [attempt.problem for attempt in delivery.attempts] == ["timeout", ""]
    assert [message.text for message in bot.messages] == ["hello"]


async def test_everything_else_is_acknowledged_too(slack: LoopbackSlack, bot: Bot) -> None:
    async with adapter_for(slack).connect(bot):
        await slack.join("carol", "secret")
        await slack.open_home("alice")
        await slack.open_assistant("alice")
        await slack.say("bob", "general", "nothing for the bot")
        await slack.settled()
    assert bot.messages == []
    slack.assert_clean()


async def test_a_reply_in_a_followed_thread_needs_no_mention(slack: LoopbackSlack, bot: Bot) -> None:
    async with adapter_for(slack).connect(bot):
        first = await slack.say("alice", "general", f"{slack.app.mention} hello")
        await slack.settled()
        bot.followed_threads[bot.messages[0].conversation] = 0.0
        await slack.say("bob", "general", "and me?", first)
        await slack.say("bob", "general", f"{slack.person('carol').mention} not you", first)
        await slack.say("bob", "general", "elsewhere")
        await slack.settled()
    assert [message.text for message in bot.new] == ["hello", "and me?"]


async def test_while_the_store_cannot_say_what_is_followed_nothing_is_acknowledged(
    slack: LoopbackSlack, bot: Bot
) -> None:
    async with adapter_for(slack).connect(bot):
        root = await slack.say("alice", "general", f"{slack.app.mention} hello")
        await slack.settled()
        bot.followed_threads[bot.messages[0].conversation] = 0.0
        bot.forgetful = 1
        await slack.say("alice", "general", "more", root)
        await slack.settled()
    assert [attempt.problem for attempt in slack.deliveries[-1].attempts] == ["timeout", ""]
    assert [message.text for message in bot.messages] == ["hello", "more"]


async def test_a_long_thread_is_given_from_its_first_message_and_its_end(slack: LoopbackSlack, bot: Bot) -> None:
    root = await slack.say("alice", "general", "the beginning")
    for number in range(120):
        await slack.say("bob", "general", f"line {number}", root)
    async with adapter_for(slack, thread_context=3).connect(bot):
        await slack.say("carol", "general", f"{slack.app.mention} and?", root)
        await slack.settled()
    assert bot.messages[0].context == "**alice**: the beginning\n\n**bob**: line 118\n\n**bob**: line 119"


async def test_called_into_a_thread_the_bot_is_given_what_was_said(slack: LoopbackSlack, bot: Bot) -> None:
    async with adapter_for(slack).connect(bot):
        root = await slack.say("alice", "general", "the build is red")
        await slack.say("bob", "general", f"{slack.person('carol').mention} did you see?", root)
        await slack.say("carol", "general", f"{slack.app.mention} why?", root)
        await slack.say("carol", "general", "later", root)
        await slack.settled()
    (message,) = bot.messages
    assert message.text == "why?"
    assert message.context == "**alice**: the build is red\n\n**bob**: @carol did you see?"
    slack.assert_clean()


async def test_a_direct_message_is_one_conversation_and_its_threads_are_others(slack: LoopbackSlack, bot: Bot) -> None:
    channel = slack.dm("alice")
    async with adapter_for(slack).connect(bot):
        first = await slack.say("alice", channel, "one")
        await slack.say("alice", channel, "two")
        await slack.say("alice", channel, "three", first)
        await slack.settled()
    where = {message.text: message.conversation for message in bot.messages}
    assert where["one"] == where["two"] == Conversation("slack", slack.team.id, channel.id)
    assert where["three"].thread == first.ts
    assert all(conversation.direct for conversation in where.values())


async def test_an_edit_and_a_deletion_arrive_but_a_preview_does_not(slack: LoopbackSlack, bot: Bot) -> None:
    async with adapter_for(slack).connect(bot):
        said = await slack.say("alice", slack.dm("alice"), "first")
        await slack.unfurl(said)
        await slack.edit(said, "second")
        await slack.delete(said)
        await slack.settled()
    seen = {message.kind: message for message in bot.messages}
    assert set(seen) == {"new", "edited", "deleted"}
    assert seen["edited"].text == "second"
    assert seen["edited"].reply_to == seen["deleted"].reply_to == seen["new"].id


async def test_a_slash_command_is_a_command(slack: LoopbackSlack, bot: Bot) -> None:
    async with adapter_for(slack).connect(bot):
        stop = await slack.command("alice", "general", "/claude", "stop now")
        await slack.command("alice", slack.dm("alice"), "/claude")
    assert stop.acked
    assert [message.text for message in bot.messages] == ["/stop now", "/help"]
    assert [message.command for message in bot.messages] == ["stop", "help"]
    assert bot.messages[1].conversation == Conversation("slack", slack.team.id, slack.dm("alice").id)
    assert bot.messages[0].sent_at > 0


async def test_a_socket_that_slack_closes_is_replaced(slack: LoopbackSlack, bot: Bot) -> None:
    async with adapter_for(slack).connect(bot):
        await slack.disconnect("refresh_requested")
        await slack.connected()
        await slack.say("alice", slack.dm("alice"), "still there?")
        await slack.until(lambda: len(bot.messages) == 1)
        await slack.disconnect("warning")
        await slack.connected()
        await slack.say("alice", slack.dm("alice"), "and now?")
        await slack.until(lambda: len(bot.messages) == 2)
    assert not slack.violations


async def test_a_broken_socket_is_noticed_and_replaced(slack: LoopbackSlack, bot: Bot) -> None:
    async with adapter_for(slack).connect(bot):
        await slack.cut()
        await slack.connected(within=9)


async def test_an_attempt_to_reconnect_that_fails_is_not_the_last(slack: LoopbackSlack, bot: Bot) -> None:
    async with adapter_for(slack).connect(bot):
        slack.fault("apps.connections.open", "5xx")
        await slack.disconnect("refresh_requested")
        await slack.connected(within=12)


async def test_what_was_missed_is_caught_up(slack: LoopbackSlack, bot: Bot) -> None:
    thread = await slack.say("alice", "general", f"{slack.app.mention} hello")
    await slack.say("bob", "general", "are you there?", thread)
    direct = await slack.say("alice", slack.dm("alice"), "anybody?")
    ago = float(thread.ts)
    team = slack.team.id
    bot.followed_threads[Conversation("slack", team, thread.channel.id, thread.ts)] = ago
    bot.followed_threads[Conversation("slack", team, direct.channel.id)] = ago
    async with adapter_for(slack).connect(bot):
        await slack.until(lambda: len(bot.messages) == 3)
    assert {message.text for message in bot.messages} == {"hello", "are you there?", "anybody?"}
    assert next(message for message in bot.messages if message.text == "anybody?").conversation.direct


async def test_a_missed_first_mention_is_found_by_an_adapter_as_it_comes(slack: LoopbackSlack, bot: Bot) -> None:
    slack.fault("events", "drop", times=2)
    await slack.say("alice", "general", f"{slack.app.mention} hello?")
    usual = SlackSettings.model_fields["catch_up_channels"].default
    async with adapter_for(slack, catch_up_channels=usual).connect(bot):
        await slack.until(lambda: bot.messages)
    assert [message.text for message in bot.messages] == ["hello?"]


async def test_catching_up_has_a_limit_and_an_age(slack: LoopbackSlack, bot: Bot) -> None:
    channel = slack.dm("alice")
    slack.fault("events", "drop", times=5)
    posts = [await slack.say("alice", channel, f"message {number}") for number in range(5)]
    bot.followed_threads[Conversation("slack", slack.team.id, channel.id)] = float(posts[0].ts)
    async with adapter_for(slack, catch_up=2).connect(bot):
        await slack.until(lambda: len(bot.messages) == 2)
    assert [message.text for message in bot.messages] == ["message 3", "message 4"]
    bot.messages.clear()
    async with adapter_for(slack, catch_up_age=0).connect(bot):
        await slack.connected()
    assert bot.messages == []


async def test_leaving_finishes_what_is_under_way_and_leaves_no_task(slack: LoopbackSlack, bot: Bot) -> None:
    before = asyncio.all_tasks()
    bot.slow = asyncio.Event()
    async with adapter_for(slack).connect(bot):
        await slack.say("alice", slack.dm("alice"), "hello")
        await slack.until(lambda: bot.attempts == 1)
        asyncio.get_running_loop().call_later(0.05, bot.slow.set)
    assert slack.deliveries[0].acked or await slack.until(lambda: slack.deliveries[0].acked)
    ours = {task for task in asyncio.all_tasks() - before if "slack" in repr(task) and "testing" not in repr(task)}
    assert ours == set()
    assert [message.text for message in bot.messages] == ["hello"]


async def test_the_adapter_can_be_connected_again(slack: LoopbackSlack, bot: Bot) -> None:
    adapter = adapter_for(slack)
    for number in range(2):
        async with adapter.connect(bot):
            await slack.connected()
            await slack.say("alice", slack.dm("alice"), f"hello {number}")
            await slack.settled()
            assert len(bot.messages) == number + 1


async def test_two_workspaces_do_not_hear_each_other(slack: LoopbackSlack, bot: Bot) -> None:
    other_team = slack.workspace("Umbrella")
    other = slack.install("helper", other_team)
    dora = slack.person("dora", other_team)
    slack.channel("lobby", dora, other, team=other_team)
    second = Bot(slack, "umbrella")
    async with (
        adapter_for(slack).connect(bot),
        adapter_for(slack, other, name="umbrella").connect(second),
    ):
        await slack.say("alice", "general", f"{slack.app.mention} here")
        await slack.say(dora, slack.directory.find_channel("lobby", other_team), f"{other.mention} there")
        await slack.settled()
    assert [message.text for message in bot.messages] == ["here"]
    assert [message.text for message in second.messages] == ["there"]
    assert second.messages[0].conversation.space == other_team.id


@pytest.mark.parametrize("wrong", [{"bot_token": SecretStr("xoxb-no")}, {"app_token": SecretStr("xapp-no")}])
async def test_a_wrong_token_says_what_to_do(slack: LoopbackSlack, bot: Bot, wrong: dict[str, SecretStr]) -> None:
    settings = settings_for(slack).model_copy(update=wrong)
    with pytest.raises(NotAllowed, match="wrong or revoked"):
        async with SlackAdapter("slack", settings).connect(bot):
            pass


async def test_the_doctor_names_the_missing_scope(slack: LoopbackSlack) -> None:
    assert await adapter_for(slack).check() == f"claude in Acme ({slack.team.id})"
    slack.app.scopes -= {"files:read"}
    with pytest.raises(NotAllowed, match="files:read"):
        await adapter_for(slack).check()


async def test_without_the_right_to_ask_for_names_ids_are_shown(slack: LoopbackSlack, bot: Bot) -> None:
    slack.app.scopes -= {"users:read"}
    async with adapter_for(slack).connect(bot):
        await slack.say("alice", "general", f"{slack.app.mention} ask {slack.person('bob').mention}")
        await slack.settled()
    assert bot.messages[0].text == f"ask @{slack.person('bob').id}"


async def test_a_stranger_costs_no_call_to_slack(slack: LoopbackSlack, bot: Bot) -> None:
    bot.strangers.add(slack.person("carol").id)
    async with adapter_for(slack).connect(bot):
        before = len(slack.calls)
        root = await slack.say("alice", "general", "the build is red")
        await slack.say("carol", "general", f"{slack.app.mention} why?", root)
        await slack.settled()
        assert len(slack.calls) == before
