"""The contract checks that every adapter passes, over the loopback Discord."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from adapters.discord.adapter import DiscordAdapter
from adapters.discord.messenger import DiscordMessenger
from adapters.discord.testing import LoopbackDiscord, Post
from botkit.model import Conversation, Message, MessageRef
from botkit.testing.adapter_contract import ADAPTER_CHECKS, MESSENGER_CHECKS, AdapterStage
from tests.adapters.discord.rig import Bot, adapter_for


@dataclass
class DiscordStage:
    """An adapter that is connected, and a message somebody wrote to it."""

    discord: LoopbackDiscord
    adapter: DiscordAdapter
    message: Message
    elsewhere: Conversation
    finds: bool = True

    @property
    def messenger(self) -> DiscordMessenger:
        return self.adapter.messenger

    @property
    def conversation(self) -> Conversation:
        return self.message.conversation

    def _posts(self) -> list[Post]:
        channels = self.discord.directory.channels.values()
        return [post for channel in channels for post in self.discord.messages(channel)]

    def _post(self, ref: MessageRef) -> Post | None:
        return next((post for post in self._posts() if post.id == ref.id), None)

    async def shown(self, ref: MessageRef) -> str | None:
        post = self._post(ref)
        return post.text if post else None

    async def pressable(self, ref: MessageRef) -> list[str]:
        post = self._post(ref)
        return [line[1:-1] for line in post.shown.split("\n") if line.startswith("[")] if post else []

    async def notified(self) -> list[str]:
        return [ping for post in self._posts() if post.app for ping in post.pings]

    async def delete(self, ref: MessageRef) -> None:
        post = self._post(ref)
        assert post is not None
        await self.discord.delete(post)

    async def limit_next(self, retry_after: float) -> None:
        self.discord.fault("create_message", "429", retry_after=retry_after)


@pytest.fixture
async def stage() -> AsyncGenerator[AdapterStage]:
    async with LoopbackDiscord(limits=False) as discord:
        bot, adapter = Bot(discord), adapter_for(discord)
        async with adapter.connect(bot):
            await discord.say("alice", "general", f"{discord.app.mention} hello")
            await discord.until(lambda: bot.messages)
            other = await discord.say("bob", "general", "another thread")
            elsewhere = Conversation("discord", discord.guild.id, other.channel.id, other.id)
            yield DiscordStage(discord, adapter, bot.messages[0], elsewhere)


@pytest.mark.parametrize("check", [*MESSENGER_CHECKS, *ADAPTER_CHECKS])
async def test_discord_keeps_the_contract(
    check: Callable[[AdapterStage], Awaitable[None]], stage: AdapterStage
) -> None:
    await check(stage)
