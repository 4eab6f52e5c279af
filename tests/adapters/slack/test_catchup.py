"""Looking back after a downtime, also when the store or Slack are not quite there yet."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from adapters.slack.api import Api
from adapters.slack.catchup import CatchUp
from adapters.slack.history import History
from adapters.slack.intake import Intake
from adapters.slack.parse import Me
from adapters.slack.people import People
from adapters.slack.testing import LoopbackSlack
from botkit.model import Conversation
from tests.adapters.slack.rig import Bot


@pytest.fixture
async def slack() -> AsyncGenerator[LoopbackSlack]:
    async with LoopbackSlack(speed=6_000, ack_seconds=1.0, limits=False) as loopback:
        yield loopback


async def missed(slack: LoopbackSlack, bot: Bot) -> CatchUp:
    """A followed direct conversation with one message that nobody took."""
    post = await slack.say("alice", slack.dm("alice"), "anybody?")
    bot.followed_threads[Conversation("slack", slack.team.id, post.channel.id)] = float(post.ts)
    api = Api(slack.app.bot_token, slack.url)
    people = People(api)
    history = History(api, people)
    intake = Intake(bot, Me("slack", slack.team.id, slack.app.bot.id), people, history, context=0)
    return CatchUp("slack", bot, intake, history, most=10, age=3600)


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
