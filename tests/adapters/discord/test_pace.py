"""All requests of a bot go through one gate, so that Discord refuses none of them."""

from __future__ import annotations

import asyncio

import pytest

from adapters.discord.adapter import DiscordAdapter
from adapters.discord.buckets import Route
from adapters.discord.pace import ACCOUNT, Gate
from adapters.discord.testing import LoopbackDiscord
from botkit.budget import Rank
from botkit.events import TextDelta, TurnFinished
from botkit.model import Message
from botkit.testing.virtual import virtual
from tests.adapters.discord.rig import Bot, adapter_for
from tests.adapters.discord.test_buckets import headers

PEOPLE = 50


def edit(channel: object) -> Route:
    return Route("PATCH", "/channels/{}/messages/{}", str(channel))


async def test_a_full_channel_waits_while_another_goes_on() -> None:
    gate, loop = Gate(), asyncio.get_running_loop()
    gate.buckets.heard(edit(1), headers(0, 0.2), now := loop.time())
    async with asyncio.timeout(5):
        await gate.enter(edit(2), "usual")
        assert loop.time() < now + 0.15
        await gate.enter(edit(1), "usual")
    assert loop.time() >= now + 0.2


@virtual
async def test_what_another_reply_of_the_channel_took_is_waited_for_again() -> None:
    gate, loop = Gate(), asyncio.get_running_loop()
    for _ in range(int(ACCOUNT.burst - ACCOUNT.reserve)):
        await gate.enter(edit(2), "usual")
    waiting = asyncio.create_task(gate.enter(edit(1), "usual"))
    await asyncio.sleep(0)
    gate.buckets.heard(edit(1), headers(0, 4.0), begun := loop.time())
    await waiting
    assert loop.time() - begun == pytest.approx(4.0, abs=0.05)


@virtual
async def test_finals_go_before_progress_and_the_typing_sign_last() -> None:
    gate, order = Gate(), list[str]()

    async def go(number: int, rank: Rank) -> None:
        await gate.enter(edit(number), rank)
        order.append(rank)

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(go(number, "usual"))
        for number in range(20, 25):
            group.create_task(go(number, "idle"))
        for number in range(25, 35):
            group.create_task(go(number, "urgent"))
    at_once = int(ACCOUNT.burst - ACCOUNT.reserve)
    assert order == ["usual"] * at_once + ["urgent"] * 10 + ["usual"] * (20 - at_once) + ["idle"] * 5


async def test_fifty_people_at_once_are_answered_without_one_refusal() -> None:
    """In real time and with Discord's own numbers: five messages in five seconds a channel, fifty requests a second."""
    async with LoopbackDiscord() as discord:
        bot, adapter = Bot(discord), adapter_for(discord)
        async with adapter.connect(bot), asyncio.TaskGroup() as answers:
            for number in range(PEOPLE):
                await discord.say("alice", discord.channel(f"room{number}"), f"{discord.app.mention} question {number}")
            await discord.until(lambda: len(bot.messages) == PEOPLE)
            for message in bot.messages:
                answers.create_task(answer(adapter, message))
        threads = [thread for number in range(PEOPLE) for thread in discord.threads(f"room{number}")]
        finals = {post.text for thread in threads for post in discord.messages(thread) if post.app}
        assert not discord.rate_limited
        assert len(finals) == PEOPLE
        discord.assert_clean()


async def answer(adapter: DiscordAdapter, message: Message) -> None:
    async with asyncio.timeout(60), adapter.reply_to(message, nonce=message.id) as reply:
        for word in range(10):
            reply.push(TextDelta(f"word{word} "))
            await asyncio.sleep(0.2)
        reply.push(TurnFinished(f"answer to {message.id}"))
