"""Looking back after a downtime, also when the store or Slack are not quite there yet."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from adapters.slack.api import Api
from adapters.slack.catchup import PACE, Delivery, SlackPast
from adapters.slack.history import History
from adapters.slack.intake import Intake
from adapters.slack.methods import ALL, REQUIRED
from adapters.slack.parse import Me
from adapters.slack.people import People
from adapters.slack.testing import LoopbackSlack
from botkit.budget import Rate
from botkit.catchup import Bounds, CatchUp
from botkit.model import Conversation
from tests.adapters.slack.rig import Bot


@pytest.fixture
async def slack() -> AsyncGenerator[LoopbackSlack]:
    async with LoopbackSlack(speed=6_000, ack_seconds=1.0, limits=False) as loopback:
        yield loopback


async def missed(slack: LoopbackSlack, bot: Bot) -> CatchUp[Delivery]:
    """A followed direct conversation with one message that nobody took."""
    post = await slack.say("alice", slack.dm("alice"), "anybody?")
    bot.followed_threads[Conversation("slack", slack.team.id, post.channel.id)] = float(post.ts)
    return looking(slack, bot, channels=0)


def looking(slack: LoopbackSlack, bot: Bot, *, channels: int = 40, pace: Rate = PACE) -> CatchUp[Delivery]:
    api = Api(slack.app.bot_token, slack.url)
    people = People(api)
    history = History(api, people)
    intake = Intake(bot, Me("slack", slack.team.id, slack.app.bot.id), people, history, context=0)
    return CatchUp("slack", bot, SlackPast("slack", intake, history, most=10, pace=pace), Bounds(10, 3600, channels))


async def test_what_the_store_could_not_keep_is_read_again(slack: LoopbackSlack) -> None:
    bot = Bot(slack)
    catch_up = await missed(slack, bot)
    bot.silent = 1
    assert not await catch_up.run()
    assert await catch_up.run()
    assert [message.text for message in bot.messages] == ["anybody?"]


async def test_when_slack_does_not_answer_it_is_worth_another_try(slack: LoopbackSlack) -> None:
    bot = Bot(slack)
    catch_up = await missed(slack, bot)
    slack.fault("conversations.history", "5xx")
    assert not await catch_up.run()
    assert await catch_up.run()
    assert len(bot.messages) == 1


async def test_too_many_calls_are_waited_for(slack: LoopbackSlack) -> None:
    bot = Bot(slack)
    catch_up = await missed(slack, bot)
    slack.fault("conversations.history", "429", retry_after=0)
    assert await catch_up.run()
    assert len(bot.messages) == 1


async def test_a_channel_the_bot_was_removed_from_is_left_alone(slack: LoopbackSlack) -> None:
    bot = Bot(slack)
    catch_up = await missed(slack, bot)
    slack.fault("conversations.history", "error", error="channel_not_found")
    assert await catch_up.run()
    assert bot.messages == []


async def test_a_conversation_is_read_page_by_page(slack: LoopbackSlack) -> None:
    bot = Bot(slack)
    catch_up = await missed(slack, bot)
    for number in range(230):
        await slack.say("alice", slack.dm("alice"), f"message {number}")
    assert await catch_up.run()
    assert [message.text for message in bot.messages] == [f"message {number}" for number in range(220, 230)]


async def test_who_called_the_bot_for_the_first_time_is_found_wherever_that_was(slack: LoopbackSlack) -> None:
    bot = Bot(slack)
    slack.app.scopes = set(ALL)  # exactly the rights of the printed manifest
    talk = await slack.say("bob", "general", "anybody for lunch?")
    await slack.say("alice", "general", f"{slack.app.mention} first")
    await slack.say("carol", "general", f"{slack.app.mention} in a thread", talk)
    await slack.say("carol", "general", "not for the bot", talk)
    await slack.say("alice", "secret", f"{slack.app.mention} privately")
    await slack.say("bob", slack.dm("bob"), "directly")
    await slack.say("alice", "general", f"{slack.person('bob').mention} somebody else")
    assert await looking(slack, bot).run()
    found = {message.text: message.conversation for message in bot.new}
    assert found.keys() == {"first", "in a thread", "privately", "directly"}
    assert found["in a thread"].thread == talk.ts
    assert found["directly"].direct
    slack.assert_clean()


async def test_a_call_behind_many_other_messages_is_found(slack: LoopbackSlack) -> None:
    bot = Bot(slack)
    await slack.say("alice", "general", f"{slack.app.mention} hello?")
    for number in range(30):
        await slack.say("bob", "general", f"talk {number}")
    assert await looking(slack, bot).run()
    assert [message.text for message in bot.new] == ["hello?"]


async def test_without_the_scopes_the_channels_of_its_threads_are_looked_through_all_the_same(
    slack: LoopbackSlack,
) -> None:
    bot = Bot(slack)
    slack.app.scopes = set(REQUIRED)
    here, other = await slack.say("alice", "general", "talk"), slack.channel("other", slack.person("alice"), slack.app)
    bot.followed_threads[Conversation("slack", slack.team.id, here.channel.id, here.ts)] = float(here.ts)
    await slack.say("alice", "general", f"{slack.app.mention} in a known channel")
    await slack.say("alice", other, f"{slack.app.mention} elsewhere")
    assert await looking(slack, bot).run()
    assert [message.text for message in bot.new] == ["in a known channel"]


async def test_only_so_many_channels_are_read_and_none_if_it_is_switched_off(slack: LoopbackSlack) -> None:
    for number in range(5):
        slack.channel(f"channel{number}", slack.person("alice"), slack.app)
    assert await looking(slack, Bot(slack), channels=3).run()
    assert len([call for call in slack.calls if call.method == "conversations.history"]) == 3
    slack.calls.clear()
    assert await looking(slack, Bot(slack), channels=0).run()
    assert slack.calls == []


async def test_a_list_of_channels_that_does_not_come_is_asked_for_again(slack: LoopbackSlack) -> None:
    bot = Bot(slack)
    await slack.say("alice", "general", f"{slack.app.mention} hello?")
    slack.fault("users.conversations", "5xx")
    catch_up = looking(slack, bot)
    assert not await catch_up.run()
    assert await catch_up.run()
    assert [message.text for message in bot.new] == ["hello?"]


async def test_many_channels_are_read_within_slacks_own_limits() -> None:
    async with LoopbackSlack(speed=60) as slack:  # a minute of Slack's is a second
        for number in range(60):
            slack.channel(f"channel{number}", slack.person("alice"), slack.app)
        assert await looking(slack, Bot(slack), channels=60, pace=Rate(PACE.per_minute * 60, PACE.burst)).run()
        assert len([call for call in slack.calls if call.method == "conversations.history"]) == 60
        assert not slack.rate_limited
