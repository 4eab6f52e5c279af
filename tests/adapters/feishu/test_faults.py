"""Whatever Feishu does, every answer ends on the screen, once, and no budget is broken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import pytest

from adapters.feishu.adapter import FeishuAdapter
from adapters.feishu.testing import LoopbackFeishu, Post, Trouble
from adapters.feishu.testing.world import TENANT
from botkit.events import ApprovalAsked, RequestClosed, TextDelta, TurnFinished
from botkit.model import Conversation, Message, User
from botkit.protocols import Reply
from tests.adapters.feishu.rig import Bot, adapter_for, bot_posts

POST, GROW, CLOSE, END, MAKE = (
    "im.v1.message.reply",
    "cardkit.v1.card_element.content",
    "cardkit.v1.card.settings",
    "cardkit.v1.card.update",
    "cardkit.v1.card.create",
)
TROUBLES: tuple[Trouble, ...] = (
    "429",
    "5xx",
    "reset",
    "malformed",
    "act_then_reset",
    "act_then_timeout",
)


@dataclass
class Desk:
    """An adapter that is connected."""

    feishu: LoopbackFeishu
    adapter: FeishuAdapter

    async def asked(self, chat: str = "general") -> Message:
        said = await self.feishu.say("alice", chat, f"{self.feishu.app.mention} hello")
        where = Conversation("feishu", TENANT, said.chat.id, said.id)
        return Message(said.id, where, User(self.feishu.open_id("alice")), "hello", 0.0)

    def posts(self, message: Message) -> list[Post]:
        return [post for post in bot_posts(self.feishu) if post.root_id == message.conversation.thread]


@pytest.fixture
async def desk(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Desk]:
    monkeypatch.setattr("adapters.feishu.api.DEADLINE", 0.5)
    async with LoopbackFeishu() as feishu:
        adapter = adapter_for(feishu, working="")
        async with adapter.connect(Bot(feishu)):
            yield Desk(feishu, adapter)


async def speak(reply: Reply, words: int, pause: float = 0.02) -> None:
    async with reply:
        for number in range(words):
            reply.push(TextDelta(f"word{number} "))
            await asyncio.sleep(pause)  # as Claude speaks
        reply.push(TurnFinished(" ".join(f"word{number}" for number in range(words)) + " The end."))


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("route", [MAKE, POST, GROW, CLOSE, END])
async def test_one_trouble_anywhere_leaves_one_whole_answer(desk: Desk, route: str, trouble: Trouble) -> None:
    message = await desk.asked()
    desk.feishu.fault(route, trouble, retry_after=0.2)
    reply = desk.adapter.reply_to(message, nonce="turn")
    await speak(reply, 16)
    assert reply.delivered
    (post,) = desk.posts(message)
    assert "The end." in post.shown
    assert not post.streaming
    desk.feishu.assert_clean()


async def test_a_question_is_asked_and_closed_although_feishu_stumbles(desk: Desk) -> None:
    message = await desk.asked()
    desk.feishu.fault(POST, "act_then_reset", times=2)
    desk.feishu.fault("im.v1.message.patch", "5xx", times=2)
    reply = desk.adapter.reply_to(message, nonce="turn")
    async with reply:
        reply.push(ApprovalAsked("r1", "Bash", "ls"))
        await desk.feishu.until(lambda: any("[Allow]" in post.shown for post in desk.posts(message)))
        reply.push(RequestClosed("r1", True, "allowed"))
        reply.push(TurnFinished("Done."))
    assert reply.delivered
    shown = [post.shown for post in desk.posts(message)]
    assert len(shown) == 2
    assert not any("[Allow]" in text for text in shown)
    assert any("Done." in text for text in shown)


async def test_many_answers_at_once_keep_every_budget_and_all_arrive(desk: Desk) -> None:
    messages = [await desk.asked(chat) for chat in ("general", "secret", "topics") for _ in range(6)]
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for number, message in enumerate(messages):
            reply = desk.adapter.reply_to(message, nonce=f"turn{number}")
            group.create_task(speak(reply, 60, 0.05))
    for message in messages:
        (post,) = desk.posts(message)
        assert "The end." in post.shown
        assert len(post.versions) >= 3, "each grew"
    assert not desk.feishu.rate_limited
    desk.feishu.assert_clean()
