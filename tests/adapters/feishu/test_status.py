"""The reaction that says that work goes on: shown while it does, and taken away in the end."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from adapters.feishu.scopes import NEEDS
from adapters.feishu.testing import LoopbackFeishu, Post
from botkit.events import TurnFinished
from tests.adapters.feishu.rig import Bot, adapter_for

CREATE, DELETE = "im.v1.message_reaction.create", "im.v1.message_reaction.delete"


@pytest.fixture
async def feishu() -> AsyncGenerator[LoopbackFeishu]:
    async with LoopbackFeishu() as loopback:
        loopback.app.scopes |= {need.scope for need in NEEDS}
        yield loopback


async def asked(feishu: LoopbackFeishu, bot: Bot) -> Post:
    said = await feishu.say("alice", feishu.p2p("alice"), "hello")
    await feishu.until(lambda: bot.messages)
    return said


async def test_it_is_there_while_the_reply_is_open(feishu: LoopbackFeishu) -> None:
    bot, adapter = Bot(feishu), adapter_for(feishu)
    async with adapter.connect(bot):
        said = await asked(feishu, bot)
        async with adapter.reply_to(bot.messages[0], nonce="n") as reply:
            await feishu.until(lambda: said.reactions)
            reply.push(TurnFinished("done"))
        assert not said.reactions


async def test_a_reaction_that_feishu_does_not_let_go_of_at_once_goes_later(feishu: LoopbackFeishu) -> None:
    bot, adapter = Bot(feishu), adapter_for(feishu)
    feishu.fault(DELETE, "429", retry_after=2.0)
    async with adapter.connect(bot):
        said = await asked(feishu, bot)
        async with adapter.reply_to(bot.messages[0], nonce="n") as reply:
            await feishu.until(lambda: said.reactions)
            reply.push(TurnFinished("done"))
        assert said.reactions, "the reply waits for it a second at most"
        await feishu.until(lambda: not said.reactions)


async def test_a_reaction_whose_answer_got_lost_is_taken_away(feishu: LoopbackFeishu) -> None:
    bot, adapter = Bot(feishu), adapter_for(feishu)
    feishu.fault(CREATE, "act_then_reset")
    async with adapter.connect(bot):
        said = await asked(feishu, bot)
        async with adapter.reply_to(bot.messages[0], nonce="n") as reply:
            await feishu.until(lambda: said.reactions)
            reply.push(TurnFinished("done"))
        await feishu.until(lambda: not said.reactions)
