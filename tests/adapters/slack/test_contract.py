"""The contract checks that every adapter passes, over the loopback Slack."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from adapters.slack.adapter import SlackAdapter
from adapters.slack.api import Api
from adapters.slack.messenger import SlackMessenger
from adapters.slack.streams import Reader, Refusals, StreamMessenger
from adapters.slack.testing import LoopbackSlack, Post
from botkit.model import Conversation, Message, MessageRef
from botkit.testing.adapter_contract import ADAPTER_CHECKS, MESSENGER_CHECKS, AdapterStage
from tests.adapters.slack.rig import Bot, adapter_for


@dataclass
class SlackStage:
    """An adapter that is connected, and a message somebody wrote to it."""

    slack: LoopbackSlack
    adapter: SlackAdapter
    message: Message
    elsewhere: Conversation
    streams: StreamMessenger | None = None
    finds: bool = True

    @property
    def messenger(self) -> SlackMessenger | StreamMessenger:
        return self.streams or self.adapter.messenger

    @property
    def conversation(self) -> Conversation:
        return self.message.conversation

    def _post(self, ref: MessageRef) -> Post | None:
        where = ref.conversation
        posts = self.slack.messages(where.channel, where.thread)
        return next((post for post in posts if post.ts == ref.id and not post.deleted), None)

    async def shown(self, ref: MessageRef) -> str | None:
        post = self._post(ref)
        return post.shown if post else None

    async def pressable(self, ref: MessageRef) -> list[str]:
        post = self._post(ref)
        return re.findall(r"\[([^\]]+)\]", post.shown) if post else []

    async def notified(self) -> list[str]:
        ours = [post for post in self.slack.messages("general", self.conversation.thread) if post.app]
        return [ping for post in ours for ping in post.pings]

    async def delete(self, ref: MessageRef) -> None:
        post = self._post(ref)
        assert post is not None
        await self.slack.delete(post)

    async def limit_next(self, retry_after: float) -> None:
        self.slack.fault("chat.postMessage", "429", retry_after=int(retry_after))


@pytest.fixture(params=["edit", "native"])
async def stage(request: pytest.FixtureRequest) -> AsyncGenerator[AdapterStage]:
    async with LoopbackSlack(limits=False) as slack:
        bot, adapter = Bot(slack), adapter_for(slack, stream=request.param)
        async with adapter.connect(bot):
            await slack.say("alice", "general", f"{slack.app.mention} hello")
            await slack.until(lambda: bot.messages)
            other = await slack.say("bob", "general", "another thread")
            elsewhere = Conversation("slack", slack.team.id, other.channel.id, other.ts)
            streams = streams_of(slack) if request.param == "native" else None
            yield SlackStage(slack, adapter, bot.messages[0], elsewhere, streams)


def streams_of(slack: LoopbackSlack) -> StreamMessenger:
    """What streams a reply to alice."""
    api = Api(slack.app.bot_token, slack.url)
    reader = Reader(slack.person("alice").id, slack.team.id)
    return StreamMessenger(api, SlackMessenger(api, "markdown"), Refusals(time.monotonic), reader, 240.0)


@pytest.mark.parametrize("check", [*MESSENGER_CHECKS, *ADAPTER_CHECKS])
async def test_slack_keeps_the_contract(check: Callable[[AdapterStage], Awaitable[None]], stage: AdapterStage) -> None:
    await check(stage)
