"""Signs that a message will come: who may give them, what they may cost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from botkit.access import Access
from botkit.bot import Bot
from botkit.model import Conversation, User
from botkit.stores.memory import MemoryStore
from tests.botkit.bots import Parts

ALICE = User("alice")


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path)


@asynccontextmanager
async def talked(parts: Parts, text: str = "hello") -> AsyncGenerator[tuple[Bot, Conversation]]:
    """A bot with one conversation that has a session."""
    async with asyncio.timeout(10), parts.bot() as bot:
        await parts.adapter.say(text)
        await parts.adapter.until_text(text)
        await bot.tasks.drain(2)
        yield bot, parts.adapter.place("1")


async def signed(bot: Bot, where: Conversation, user: User = ALICE) -> None:
    bot.warm(where, user)
    await bot.tasks.drain(2)


async def test_a_sign_in_a_conversation_of_the_bots_readies_its_session_and_begins_no_turn(parts: Parts) -> None:
    async with talked(parts) as (bot, where):
        await signed(bot, where)
        assert parts.runner.warmed == [parts.runner.turns[0].session.id]
        assert len(parts.runner.turns) == 1


async def test_more_signs_within_some_seconds_cost_nothing(parts: Parts) -> None:
    async with talked(parts) as (bot, where):
        for _ in range(5):
            await signed(bot, where)
        assert len(parts.runner.warmed) == 1


async def test_a_stranger_readies_nothing(parts: Parts) -> None:
    async with talked(parts) as (bot, where):
        bot.access = Access(allow_users=frozenset({"somebody else"}))
        await signed(bot, where)
        assert parts.runner.warmed == []


async def test_in_a_place_of_many_nothing_is_readied_where_the_bot_takes_no_part(parts: Parts) -> None:
    async with talked(parts) as (bot, where):
        await signed(bot, replace(where, thread="another", direct=False))
        assert parts.runner.warmed == []


async def test_a_new_direct_conversation_gets_a_worker_for_a_new_session(parts: Parts) -> None:
    async with talked(parts) as (bot, where):
        await signed(bot, replace(where, channel="D1", thread="", direct=True))
        assert parts.runner.warmed == [""]


async def test_after_a_long_silence_it_is_a_new_session_that_is_readied(parts: Parts) -> None:
    parts.settings["session_idle"] = 1e-9
    async with talked(parts) as (bot, where):
        await signed(bot, where)
        assert parts.runner.warmed == [""]


async def test_a_muted_thread_is_left_alone(parts: Parts) -> None:
    async with talked(parts) as (bot, where):
        await bot.store.set_mark(f"muted/main/{where.key}", "1")
        await signed(bot, where)
        assert parts.runner.warmed == []


async def test_while_a_turn_runs_there_is_nothing_to_ready(parts: Parts) -> None:
    async with asyncio.timeout(10), parts.bot() as bot:
        parts.runner.gate.clear()
        await parts.adapter.say("hello")
        await parts.adapter.until_text("hello")
        bot.warm(parts.adapter.place("1"), ALICE)
        assert len(bot.tasks) == 1, "the turn"
        parts.runner.gate.set()
        await bot.tasks.drain(2)
        assert parts.runner.warmed == []


async def test_a_session_that_another_process_holds_is_neither_readied_nor_asked_for(tmp_path: Path) -> None:
    store = MemoryStore()
    one, other = Parts(tmp_path, store=store), Parts(tmp_path, store=store)
    async with talked(one) as (_, where), other.bot() as bot:
        await signed(bot, where)
        assert other.runner.warmed == []
        assert not (await store.beat(f"{one.owner}|main", time.time(), 15.0)).wanted
        assert one.runner.parked == []
