"""The order in a busy conversation, and what can be done to a message that waits there."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tests.botkit.bots import Parts


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    parts = Parts(tmp_path)
    parts.runner.gate.clear()
    return parts


def prompts(parts: Parts) -> list[str]:
    return [turn.prompt.removeprefix("Ann writes:\n\n") for turn in parts.runner.turns]


async def test_messages_are_answered_in_the_order_in_which_they_were_written(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot() as bot:
        await parts.adapter.say("first")
        await parts.adapter.until_text("first")
        early, late = parts.adapter.message("early"), parts.adapter.message("late")
        await bot.deliver(replace(late, sent_at=early.sent_at + 9))
        await parts.adapter.until_text("1 other turn")
        await bot.deliver(early)
        await parts.adapter.until_text("2 other turns")
        parts.runner.gate.set()
        await parts.adapter.until_text("late")
    assert prompts(parts) == ["first", "early", "late"]


async def test_people_see_how_they_move_up(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot() as bot:
        for text in ("one", "two", "three"):
            await parts.adapter.say(text)
            await parts.adapter.until_text("one")
        await parts.adapter.until_text("2 other turns")
        assert bot.lanes.waiting(parts.adapter.place().key) == 2
        parts.runner.gate.set()
        await parts.adapter.until_text("three")
    third = parts.adapter.memory.seen(parts.adapter.place())[2]
    shown = [text for _, text in third.history]
    assert "2 other turns" in shown[0]
    assert "three" in shown[-1]


async def test_conversations_do_not_wait_for_each_other(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("one")
        await parts.adapter.say("two", thread="2")
        await parts.adapter.until_text("one")
        await parts.adapter.until_text("two", "2")
        parts.runner.gate.set()


async def test_stop_all_clears_the_queue_and_nobody_is_told_of_a_deletion(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot():
        for text in ("one", "two", "three"):
            await parts.adapter.say(text)
            await parts.adapter.until_text("one")
        await parts.adapter.until_text("2 other turns")
        await parts.adapter.say("/stop all")
        await parts.adapter.until_text("2 waiting messages were dropped")
    assert prompts(parts) == ["one"]
    shown = parts.adapter.texts()
    assert sum("⏹️" in text for text in shown) == 3
    assert not any("deleted" in text for text in shown)


async def test_the_lane_is_free_after_a_waiting_message_was_cut(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot() as bot:
        await parts.adapter.say("one")
        await parts.adapter.until_text("one")
        await bot.deliver(parts.adapter.message("two", id="m2"))
        await parts.adapter.until_text("1 other turn")
        await bot.deliver(parts.adapter.message("", id="m2d", kind="deleted", reply_to="m2"))
        await parts.adapter.until_text("the message was deleted")
        parts.runner.gate.set()
        await parts.adapter.say("three")
        await parts.adapter.until_text("three")
    assert prompts(parts) == ["one", "three"]


async def test_an_edit_of_a_message_that_waits_nowhere_changes_nothing(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot() as bot:
        await bot.deliver(parts.adapter.message("one", id="m1"))
        await parts.adapter.until_text("one")
        assert await bot.deliver(parts.adapter.message("one!", id="m1e", kind="edited", reply_to="m1"))
        assert not bot.lanes.revise(parts.adapter.place().key, "m1", parts.adapter.message("x"))
        assert not await bot.lanes.withdraw(parts.adapter.place("9").key, "m1")
        parts.runner.gate.set()
    assert prompts(parts) == ["one"]


async def test_an_edit_of_something_else_in_the_channel_is_not_taken(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot() as bot:
        message = parts.adapter.message("chat among people", kind="edited", reply_to="unknown")
        assert not await bot.deliver(replace(message, addressed=False))
