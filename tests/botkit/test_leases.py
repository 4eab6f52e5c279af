"""Two processes over one store: a session is only ever in one of them at work."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from botkit.clock import TTL
from botkit.leases import gone, owner
from botkit.protocols import Store
from botkit.stores import open_store
from botkit.testing.scripted_runner import ScriptedRunner
from tests.botkit.bots import Parts


class Two:
    """Two processes with one platform; each has its own connection to the store."""

    def __init__(self, one: Parts, other: Parts) -> None:
        self.one, self.other = one, other

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        async with self.one.bot(), self.other.bot():
            yield


@pytest.fixture(params=["sqlite", "redis"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "redis":
        return str(request.getfixturevalue("redis_url"))
    return f"sqlite:///{tmp_path / 'botkit.db'}"


@pytest.fixture
async def two(url: str, tmp_path: Path) -> AsyncGenerator[Two]:
    async with AsyncExitStack() as stack:
        stores: list[Store] = [await stack.enter_async_context(open_store(url)) for _ in range(2)]
        one, other = (Parts(tmp_path, store=store) for store in stores)
        yield Two(one, other)


def elsewhere(parts: Parts) -> None:
    """The process runs on another host: whether it lives only shows in the store."""
    parts.owner = f"other-host|1|0|{parts.owner[-8:]}"


async def test_a_process_waits_visibly_while_another_answers_in_the_session_and_then_gets_it(two: Two) -> None:
    one, other = two.one, two.other
    one.runner.gate.clear()
    async with asyncio.timeout(5), two.running():
        await one.adapter.say("first")
        await one.adapter.until_text("first")
        await other.adapter.say("second")
        await other.adapter.until_text("1 other turn")
        assert other.runner.turns == [], "never two turns on one session at once"
        one.runner.gate.set()
        await other.adapter.until_text("second")
    session = one.runner.turns[0].session.id
    assert other.runner.turns[0].session.id == session
    assert not other.runner.turns[0].fresh
    assert one.runner.parked == [session], "the first process let go of its worker"


async def test_the_second_process_counts_on_from_what_the_first_has_spent(two: Two) -> None:
    one, other = two.one, two.other
    one.runner.gate.clear()
    async with asyncio.timeout(5), two.running():
        await one.adapter.say("first")
        await one.adapter.until_text("first")
        await other.adapter.say("second")
        await other.adapter.until_text("1 other turn")
        one.runner.gate.set()
        await other.adapter.until_text("second")
    known = await one.store.find_session(one.runner.turns[0].session.id)
    assert known is not None
    assert known.turns == 2


async def test_a_session_goes_back_and_forth(two: Two) -> None:
    async with asyncio.timeout(9), two.running():
        for number, parts in enumerate((two.one, two.other, two.one)):
            await parts.adapter.say(f"turn {number}")
            await parts.adapter.until_text(f"turn {number}")
    assert len({turn.session.id for parts in (two.one, two.other) for turn in parts.runner.turns}) == 1
    assert len(two.one.runner.turns) == 2


async def test_stop_ends_the_waiting_for_another_process(two: Two) -> None:
    one, other = two.one, two.other
    one.runner.gate.clear()
    async with asyncio.timeout(5), two.running():
        await one.adapter.say("first")
        await one.adapter.until_text("first")
        await other.adapter.say("second")
        await other.adapter.until_text("1 other turn")
        await other.adapter.say("/stop")
        await other.adapter.until_text("Stopped.")
        await other.adapter.until_text("⏹️")
        one.runner.gate.set()
        await one.adapter.until_text("first")
    assert other.runner.turns == []


async def test_who_lost_the_session_meanwhile_does_not_use_its_old_worker(two: Two) -> None:
    one, other = two.one, two.other
    async with asyncio.timeout(5), two.running():
        await one.adapter.say("first")
        await one.adapter.until_text("first")
        session = one.runner.turns[0].session.id
        # What a process that stood still for longer than its lease finds when it wakes.
        late = time.time() + 10 * TTL
        taken = await other.store.lease(f"session/{session}", "third", late, 0.0)
        assert taken is not None
        await other.store.beat("third", time.time(), 0.0)
        await one.adapter.say("second")
        await one.adapter.until_text("second")
    assert one.runner.parked == [session]
    assert len(one.runner.turns) == 2


async def test_what_a_dead_process_left_is_taken_up_once(two: Two) -> None:
    crashed, other = two.one, two.other
    crashed.runner.gate.clear()
    elsewhere(crashed)
    async with asyncio.timeout(5):
        async with other.bot():
            crashed.settings["drain"] = 0.0
            async with crashed.bot():
                await crashed.adapter.say("build it")
                await crashed.adapter.until_text("build it")
            await other.adapter.until_text("was interrupted")
            await other.adapter.until_text("build it")
    assert len(other.runner.turns) == 1
    assert other.runner.turns[0].session.id == crashed.runner.turns[0].session.id
    assert await other.store.take_over("main", "next", [crashed.owner, other.owner], 0.0) == []


class SlowToPark(ScriptedRunner):
    """Closing a worker takes until the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.parking, self.parked_now = asyncio.Event(), asyncio.Event()

    async def park(self, session: str) -> bool:
        self.parking.set()
        await self.parked_now.wait()
        return await super().park(session)


async def test_no_turn_begins_while_its_session_is_being_handed_over(two: Two) -> None:
    one, other = two.one, two.other
    runner = one.runner = SlowToPark()
    other.runner.gate.clear()
    async with asyncio.timeout(8), two.running():
        await one.adapter.say("first")
        await one.adapter.until_text("first")
        await other.adapter.say("second")
        await runner.parking.wait()
        await one.adapter.say("third")
        await one.adapter.until_text("1 other turn")
        runner.parked_now.set()
        await other.adapter.until_text("second")
        assert len(one.runner.turns) == 1
        other.runner.gate.set()
        await one.adapter.until_text("third")
    assert len(one.runner.turns) == 2


async def test_one_session_is_used_by_one_conversation_at_a_time(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    async with asyncio.timeout(5), parts.bot() as bot:
        await parts.adapter.say("first")
        await parts.adapter.until_text("first")
        session = await parts.store.find_session(parts.runner.turns[0].session.id)
        assert session is not None
        parts.runner.gate.clear()
        await parts.adapter.say("second")
        await parts.adapter.until_text("second")
        # Bound elsewhere at the very moment in which its turn begins.
        elsewhere = f"main/{parts.adapter.place('2').key}"
        await parts.store.save_session(replace(session, conversation=elsewhere))
        await parts.adapter.say("third", thread="2")
        await parts.adapter.until_text("1 other turn", "2")
        assert len(parts.runner.turns) == 2
        parts.runner.gate.set()
        await parts.adapter.until_text("third", "2")
    assert bot.lanes.running(parts.adapter.place().key) is None


def test_a_process_of_this_host_that_ended_is_known_to_be_gone() -> None:
    alive = owner()
    host, pid, *_ = alive.split("|")
    assert int(pid) == os.getpid()
    reused = f"{host}|{pid}|1.00|x|main"
    ended = f"{host}|99999999|1.00|x|main"
    elsewhere = "another-host|99999999|1.00|x|main"
    assert gone([f"{alive}|main", reused, ended, elsewhere, "nonsense"]) == {reused, ended}
