"""The order in a busy conversation, and what can be done to a message that waits there."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from botkit.stores import open_store
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


async def test_however_many_wait_one_message_says_so_and_each_becomes_its_answer(parts: Parts) -> None:
    parts.settings["queue"] = 100
    many = 20
    async with asyncio.timeout(10), parts.bot() as bot:
        await parts.adapter.say("running")
        await parts.adapter.until_text("running")
        for number in range(many):
            await parts.adapter.say(f"question {number}.")
        await parts.adapter.until_text(f"{many - 1} more messages wait behind this one")
        assert bot.lanes.waiting(parts.adapter.place().key) == many
        waiting = parts.adapter.memory.seen(parts.adapter.place())
        assert len(waiting) == 2, "the answer under way, and one notice for all"
        parts.runner.gate.set()
        await parts.adapter.until_text(f"question {many - 1}.")
    answers = parts.adapter.memory.seen(parts.adapter.place())
    assert len(answers) == many + 1
    assert all(f"question {number}." in answers[number + 1].text for number in range(many))


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
        await parts.adapter.until_text("1 more message waits")
        await parts.adapter.say("/stop all")
        await parts.adapter.until_text("2 waiting messages were dropped")
    assert prompts(parts) == ["one"]
    shown = parts.adapter.texts()
    assert sum("⏹️" in text for text in shown) == 2, "the one that ran, and the notice of those that waited"
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


async def test_an_edit_of_a_message_that_is_being_answered_is_said_once_not_to_be_used(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot() as bot:
        await bot.deliver(parts.adapter.message("one", id="m1"))
        await parts.adapter.until_text("one")
        assert await bot.deliver(parts.adapter.message("one!", id="m1e", kind="edited", reply_to="m1"))
        await parts.adapter.until_text("it answers what stood there before")
        await bot.deliver(parts.adapter.message("one!!", id="m1f", kind="edited", reply_to="m1"))
        await bot.deliver(parts.adapter.message("x", id="m9e", kind="edited", reply_to="m9"))
        assert not await bot.lanes.withdraw(parts.adapter.place("9").key, "m1")
        parts.runner.gate.set()
    assert prompts(parts) == ["one"]
    (answer,) = parts.adapter.texts()
    assert answer.count("answers what stood there before") == 1


async def test_an_edit_counts_until_the_turn_has_begun_also_while_another_process_has_the_session(
    parts: Parts, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'botkit.db'}"
    async with open_store(url) as one, open_store(url) as two, asyncio.timeout(10):
        parts.store, other = one, Parts(tmp_path, store=two)
        async with parts.bot(), other.bot() as second:
            await parts.adapter.say("one")
            await parts.adapter.until_text("one")
            await second.deliver(other.adapter.message("two", id="m2"))
            await other.adapter.until_text("1 other turn")
            await second.deliver(other.adapter.message("two, better", id="m2e", kind="edited", reply_to="m2"))
            parts.runner.gate.set()
            await other.adapter.until_text("two, better")
    assert prompts(other) == ["two, better"]


async def test_an_edit_of_something_else_in_the_channel_is_not_taken(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot() as bot:
        message = parts.adapter.message("chat among people", kind="edited", reply_to="unknown")
        assert not await bot.deliver(replace(message, addressed=False))


async def test_a_full_queue_is_said_once_however_many_messages_it_refuses(parts: Parts) -> None:
    parts.settings["queue"] = 1
    async with asyncio.timeout(5), parts.bot() as bot:
        for text in ("one", "two"):
            await parts.adapter.say(text)
            await parts.adapter.until_text("one")
        for number in range(20):
            await bot.deliver(parts.adapter.message(f"more {number}", user="bob" if number % 2 else "ann"))
        await parts.adapter.until_text("already wait here")
        parts.runner.gate.set()
    said = [text for text in parts.adapter.texts() if "already wait here" in text]
    assert len(said) == 1
    assert prompts(parts) == ["one", "two"]


async def test_a_refusal_that_waiting_does_not_help_is_said_every_time(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot():
        for _ in range(2):
            await parts.adapter.say("/resume 99")
            await parts.adapter.memory.until(lambda: bool(parts.adapter.texts()))
    assert len(parts.adapter.texts()) == 2
