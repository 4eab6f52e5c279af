"""Two processes over one store: a session is only ever in one of them at work."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Collection, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from botkit.clock import TTL
from botkit.events import TextDelta, TurnEvent, TurnFinished
from botkit.leases import gone, owner
from botkit.model import Lease, Turn
from botkit.protocols import Store
from botkit.store import Beat
from botkit.stores import open_store
from botkit.stores.memory import MemoryStore
from botkit.stores.redis import RedisStore
from botkit.testing.scripted_runner import ScriptedRunner
from tests.botkit.bots import Parts
from tests.botkit.stores.valkey import command


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


class Counting(MemoryStore):
    """Counts what the leases of a bot cost."""

    def __init__(self) -> None:
        super().__init__()
        self.taken, self.believed = 0, 0

    async def lease(self, key: str, owner: str, now: float, ttl: float) -> Lease | None:
        self.taken += 1
        return await super().lease(key, owner, now, ttl)

    async def beat(self, owner: str, now: float, ttl: float, leases: Collection[Lease] = ()) -> Beat:
        self.believed = len(leases)
        return await super().beat(owner, now, ttl, leases)


async def test_a_turn_that_goes_on_with_a_live_worker_asks_for_no_lease(tmp_path: Path) -> None:
    store = Counting()
    parts = Parts(tmp_path, store=store)
    async with asyncio.timeout(5), parts.bot() as bot:
        await parts.adapter.say("first")
        await parts.adapter.until_text("first")
        assert store.taken == 1
        await bot.leases.beat()
        await parts.adapter.say("second")
        await parts.adapter.until_text("second")
        assert store.taken == 1


class Odd(MemoryStore):
    """Fails once in a way that no store should."""

    def __init__(self) -> None:
        super().__init__()
        self.beats, self.goes_on = 0, asyncio.Event()

    async def beat(self, owner: str, now: float, ttl: float, leases: Collection[Lease] = ()) -> Beat:
        self.beats += 1
        if self.beats == 1:
            raise ValueError("unforeseen")
        self.goes_on.set()
        return await super().beat(owner, now, ttl, leases)


async def test_a_process_stays_alive_for_others_after_a_beat_that_failed_unforeseen(tmp_path: Path) -> None:
    store = Odd()
    async with asyncio.timeout(5), Parts(tmp_path, store=store).bot():
        await store.goes_on.wait()


async def test_leases_are_only_held_where_there_is_a_worker_or_a_turn(tmp_path: Path) -> None:
    store = Counting()
    parts = Parts(tmp_path, store=store)
    async with asyncio.timeout(10), parts.bot() as bot:
        for number in range(20):
            await parts.adapter.say(f"turn {number}", thread=str(number))
            await parts.adapter.until_text(f"turn {number}", str(number))
        parts.runner.gate.clear()
        await parts.adapter.say("one more", thread="0")
        await parts.adapter.until_text("one more", "0")
        await bot.leases.beat()
        assert store.believed == 20
        for turn in parts.runner.turns:
            await parts.runner.park(turn.session.id)
        parts.runner.live.clear()  # also of the turn that runs: its worker has died, say
        await bot.leases.beat()
        await bot.leases.beat()
        assert store.believed == 1, "of the turn that runs"
        parts.runner.gate.set()
        await bot.tasks.drain(2)
        await bot.leases.beat()
        assert set(await store.owners()) == set()


async def free(store: Store, session: str) -> None:
    """Wait until somebody else can have it."""
    while await store.lease(f"session/{session}", "third", time.time(), TTL) is None:  # noqa: ASYNC110 (a store signals nothing)
        await asyncio.sleep(0.05)


async def test_a_session_is_free_for_others_once_its_worker_was_parked(two: Two) -> None:
    one = two.one
    async with asyncio.timeout(5), one.bot():
        await one.adapter.say("first")
        await one.adapter.until_text("first")
        session = one.runner.turns[0].session.id
        assert await two.other.store.lease(f"session/{session}", "third", time.time(), 0.0) is None
        await one.runner.park(session)
        await free(two.other.store, session)


async def test_a_lease_whose_holder_never_heard_of_it_is_given_to_who_wants_it(two: Two) -> None:
    """The store had given it, and its answer was lost."""
    one = two.one
    async with asyncio.timeout(5), one.bot() as bot:
        assert await one.store.lease("session/s1", bot.leases.owner, time.time(), TTL) is not None
        await free(two.other.store, "s1")


async def test_a_store_that_forgot_everything_learns_what_is_held_and_what_runs(tmp_path: Path, redis_url: str) -> None:
    async with RedisStore(redis_url) as store:
        parts = Parts(tmp_path, store=store)
        parts.runner.gate.clear()
        async with asyncio.timeout(9), parts.bot() as bot:
            await parts.adapter.say("first")
            await parts.adapter.until_text("first")
            session = parts.runner.turns[0].session.id
            await command(redis_url, "FLUSHALL")
            await bot.leases.beat()
            assert await store.lease(f"session/{session}", "third", time.time(), 0.0) is None
            assert parts.runner.parked == []
            parts.runner.gate.set()
            await bot.tasks.drain(2)
            known = await store.find_session(session)
            assert known is not None
            assert known.turns == 1
            assert set(await store.owners()) == {bot.leases.owner}, "the lease: the turn has been settled"


def an_answer(turn: Turn) -> Iterable[TurnEvent]:
    yield TextDelta("so far")
    yield TurnFinished(f"the answer to {turn.prompt}")


@pytest.mark.parametrize("place", ["running", "waiting in its lane"])
async def test_a_turn_that_another_process_took_over_shows_and_writes_nothing_more(two: Two, place: str) -> None:
    one = two.one
    one.runner = ScriptedRunner(an_answer)
    one.runner.gate.clear()
    async with asyncio.timeout(8), one.bot() as bot:
        await one.adapter.say("first")
        await one.adapter.until_text("so far")
        if place != "running":
            await one.adapter.say("second")
            await one.adapter.until_text("1 other turn")
        taken = await two.other.store.take_over("main", "third", [bot.leases.owner], time.time())
        one.runner.gate.set()
        await bot.tasks.drain(3)
        assert len(one.runner.turns) == 1
    assert not any("the answer" in text for text in one.adapter.texts())
    left = await two.other.store.entries([each.id for each in taken])
    assert len(left) == len(taken) == (1 if place == "running" else 2)
    assert all(each.finished is None for each in left)
