"""Messages of programs: vouched for by their adapter, unkept, stateless, taken as they stand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from botkit.access import Access
from botkit.events import ApprovalAsked, Deny, RequestClosed, TextDelta, TurnEvent, TurnFinished
from botkit.model import Message, Overrides, Role, Turn
from botkit.stores.memory import MemoryStore
from botkit.testing.memory_adapter import MemoryAdapter
from botkit.testing.scripted_runner import ScriptedRunner
from tests.botkit.bots import Parts


class Vouching(MemoryAdapter):
    """Knows its authors itself."""

    def role(self, message: Message) -> Role | None:
        return "user" if message.author.id.startswith("key:") else None


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path, adapter=Vouching(), access=Access(deny_users=frozenset({"key:bad"})))


async def test_whom_an_adapter_vouches_for_is_answered_unless_the_config_denies_it(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot() as bot:
        assert await bot.deliver(parts.adapter.message("hello", user="key:good", id="m1"))
        assert not await bot.deliver(parts.adapter.message("hello", user="key:bad", id="m2"))
        assert not await bot.deliver(parts.adapter.message("hello", user="somebody", id="m3"))
        await parts.adapter.until_text("hello")
    assert len(parts.runner.turns) == 1


async def test_the_turns_id_is_the_one_its_events_are_read_by(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot() as bot:
        turn = await bot.deliver(parts.adapter.message("hello", user="key:1"))
        await parts.adapter.until_text("hello")
        events = [event async for _, event in bot.attach(turn)]
    assert isinstance(events[-1], TurnFinished)


async def test_what_is_not_kept_is_never_in_the_journal_but_its_session_goes_on(parts: Parts) -> None:
    assert isinstance(parts.store, MemoryStore)
    parts.runner.gate.clear()
    async with asyncio.timeout(5), parts.bot() as bot:
        message = replace(parts.adapter.message("hello", user="key:1", id="m1"), kept=False)
        await bot.deliver(message)
        await parts.adapter.until_text("hello")
        assert await parts.store.take_over("main", "another", await parts.store.owners(), 0.0) == []
        parts.runner.gate.set()
        assert await bot.tasks.drain(2.0)
        await bot.deliver(replace(parts.adapter.message("again", user="key:1", id="m2"), kept=False))
        assert await bot.tasks.drain(2.0)
    first, second = parts.runner.turns
    assert (first.session.id, first.fresh) == (second.session.id, True)
    assert not second.fresh


async def test_a_stateless_message_leaves_no_session(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot() as bot:
        overrides = Overrides(system="Be short.")
        message = parts.adapter.message("hello", user="key:1", id="m1")
        await bot.deliver(replace(message, kept=False, stateless=True, overrides=overrides))
        assert await bot.tasks.drain(2.0)
        assert await parts.store.list_sessions("main") == []
    (turn,) = parts.runner.turns
    assert turn.stateless
    assert turn.overrides == overrides


async def test_what_stands_as_it_is_is_no_command(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot() as bot:
        for number, text in enumerate(("/new", "!stop", "/help me")):
            message = parts.adapter.message(text, user="key:1", id=f"m{number}")
            await bot.deliver(replace(message, verbatim=True))
            assert await bot.tasks.drain(2.0)
    assert [turn.prompt.splitlines()[-1] for turn in parts.runner.turns] == ["/new", "!stop", "/help me"]


def asking(turn: Turn) -> Iterable[TurnEvent]:
    yield TextDelta("may I?")
    yield ApprovalAsked("r1", "Bash", "rm x")
    yield TurnFinished("no")


async def test_nobody_is_asked_during_a_stateless_turn(parts: Parts) -> None:
    parts.runner = ScriptedRunner(asking)
    async with asyncio.timeout(5), parts.bot() as bot:
        message = parts.adapter.message("hello", user="key:1")
        turn = await bot.deliver(replace(message, kept=False, stateless=True))
        assert await bot.tasks.drain(2.0)
        events = [event async for _, event in bot.attach(turn)]
    ((request, decision),) = parts.runner.decisions
    assert request == "r1"
    assert isinstance(decision, Deny)
    assert "Nobody can be asked" in decision.reason
    assert [event.allowed for event in events if isinstance(event, RequestClosed)] == [False]
