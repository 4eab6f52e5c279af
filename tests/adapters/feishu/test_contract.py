"""The contract checks that every adapter passes, over the loopback Feishu."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from adapters.feishu.adapter import FeishuAdapter
from adapters.feishu.messenger import FeishuMessenger
from adapters.feishu.posts import Name
from adapters.feishu.testing import LoopbackFeishu, Post
from adapters.feishu.testing.cards import buttons, label
from botkit.model import Conversation, Message, MessageRef
from botkit.testing.adapter_contract import ADAPTER_CHECKS, MESSENGER_CHECKS, AdapterStage
from tests.adapters.feishu.rig import Bot, adapter_for, bot_posts


@dataclass
class FeishuStage:
    """An adapter that is connected, and a message somebody wrote to it."""

    feishu: LoopbackFeishu
    adapter: FeishuAdapter
    message: Message
    elsewhere: Conversation
    finds: bool = True

    @property
    def messenger(self) -> FeishuMessenger:
        return self.adapter.messenger

    @property
    def conversation(self) -> Conversation:
        return self.message.conversation

    def _post(self, ref: MessageRef) -> Post | None:
        post = self.feishu.directory.find_post(Name.parse(ref.id).message)
        return None if post is None or post.deleted else post

    async def shown(self, ref: MessageRef) -> str | None:
        post = self._post(ref)
        return post.shown if post else None

    async def pressable(self, ref: MessageRef) -> list[str]:
        post = self._post(ref)
        return [label(button) for button in buttons(post.card.json)] if post and post.card else []

    async def notified(self) -> list[str]:
        return [ping for post in bot_posts(self.feishu) for ping in post.pings]

    async def delete(self, ref: MessageRef) -> None:
        post = self._post(ref)
        assert post is not None
        await self.feishu.recall(post)

    async def limit_next(self, retry_after: float) -> None:
        self.feishu.fault("im.v1.message.reply", "429", retry_after=retry_after)


@pytest.fixture
async def stage() -> AsyncGenerator[AdapterStage]:
    async with LoopbackFeishu(limits=False) as feishu:
        bot, adapter = Bot(feishu), adapter_for(feishu)
        async with adapter.connect(bot):
            await feishu.say("alice", "general", f"{feishu.app.mention} hello")
            await feishu.until(lambda: bot.messages)
            other = await feishu.say("bob", "general", "another topic")
            elsewhere = Conversation("feishu", bot.messages[0].conversation.space, other.chat.id, other.id)
            yield FeishuStage(feishu, adapter, bot.messages[0], elsewhere)


@pytest.mark.parametrize("check", [*MESSENGER_CHECKS, *ADAPTER_CHECKS])
async def test_feishu_keeps_the_contract(check: Callable[[AdapterStage], Awaitable[None]], stage: AdapterStage) -> None:
    await check(stage)
