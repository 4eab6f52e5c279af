"""What requests use, written together: nothing is lost, and nobody waits longer than needed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from botkit import ledger as ledgers
from botkit.errors import StoreError
from botkit.keys import ApiKey, Begun, Hashed, KeyLimits, Spent
from botkit.ledger import Ledger
from botkit.stores.keys.memory import MemoryKeys
from botkit.stores.meter.memory import MemoryMeter
from botkit.stores.sqlite import SqliteStore
from botkit.testing.store_meter import ANY, record
from botkit.testing.store_values import NOW
from botkit.usage import UsageRecord

KEYS = MemoryKeys()


def key(limits: KeyLimits | None = None) -> ApiKey:
    return ApiKey("k1", "name", "owner", NOW, Hashed("", ""), "bk_k1", limits=limits or KeyLimits())


class Watched(MemoryMeter):
    """A meter that says when it wrote, and can be down."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[int] = []
        self.down = 0
        self.begun = 0
        self.held = asyncio.Event()

    async def begin(self, key: str, limits: KeyLimits, request: str, now: float, *, slot: float = 0.0) -> Begun:
        self.begun += 1
        return await super().begin(key, limits, request, now, slot=slot)

    async def end(self, records: Sequence[UsageRecord]) -> None:
        if self.down:
            self.down -= 1
            raise StoreError("down")
        self.writes.append(len(records))
        await super().end(records)

    async def hold(self, slots: Sequence[tuple[str, str]], until: float) -> None:
        await super().hold(slots, until)
        self.held.set()


async def test_records_that_come_together_are_written_together() -> None:
    meter = Watched()
    async with Ledger(meter, KEYS) as ledger:
        for i in range(1200):
            await ledger.end(record(f"r{i}"))
    assert meter.writes == [500, 500, 200]
    assert len(await meter.records(ANY, most=2000)) == 1200


async def test_what_is_left_is_written_when_botkit_stops(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "botkit.db") as store:
        async with Ledger(store.meter, store.keys, lambda: {}) as ledger:
            for i in range(50):
                await ledger.end(record(f"r{i}"))
        assert len(await store.meter.records(ANY)) == 50


async def test_a_key_without_limits_costs_no_round_trip() -> None:
    meter = Watched()
    async with Ledger(meter, KEYS) as ledger:
        answer = await ledger.begin(key(), "r1", run=True)
    assert (answer.refused, answer.spent, meter.begun) == (None, Spent(), 0)


async def test_a_program_that_waits_for_each_answer_is_never_told_that_its_last_run_is_at_work(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "botkit.db") as store, Ledger(store.meter, store.keys) as ledger:
        one = key(KeyLimits(concurrent_runs=1))
        for i in range(3):
            assert (await ledger.begin(one, f"r{i}", run=True)).refused is None
            assert (await ledger.begin(one, "another", run=True)).refused == "concurrent_runs"
            assert (await ledger.begin(one, f"no run {i}", run=False)).refused is None
            await ledger.end(record(f"r{i}"))


async def test_an_async_run_counts_until_it_is_over() -> None:
    meter = MemoryMeter()
    one = key(KeyLimits(concurrent_runs=1))
    async with asyncio.timeout(5), Ledger(meter, KEYS) as ledger:
        assert (await ledger.begin(one, "r1", run=True)).refused is None
        await ledger.pass_on("k1", "r1", "run")
        await ledger.end(record("r1"))
        assert (await ledger.begin(one, "r2", run=True)).refused == "concurrent_runs"
        await ledger.end(record("run"))
        assert (await ledger.begin(one, "r2", run=True)).refused is None


async def test_a_run_that_was_over_before_it_got_its_place_holds_none() -> None:
    meter = MemoryMeter()
    one = key(KeyLimits(concurrent_runs=1))
    async with asyncio.timeout(5), Ledger(meter, KEYS) as ledger:
        for i in range(3):
            assert (await ledger.begin(one, f"r{i}", run=True)).refused is None
            await ledger.end(record(f"run{i}"))
            await ledger.pass_on("k1", f"r{i}", f"run{i}")
            await ledger.end(record(f"r{i}"))


async def test_a_store_that_was_down_for_a_while_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "AGAIN", 0.01)
    meter = Watched()
    meter.down = 3
    async with Ledger(meter, KEYS) as ledger:
        for i in range(3):
            await ledger.end(record(f"r{i}"))
    assert [each.id for each in await meter.records(ANY)] == ["r0", "r1", "r2"]


async def test_a_store_that_stays_down_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "AGAIN", 0.01)
    monkeypatch.setattr(ledgers, "WAITING", 10)
    meter = Watched()
    meter.down = 2
    async with Ledger(meter, KEYS) as ledger:
        for i in range(30):
            await ledger.end(record(f"r{i:02}"))
    assert [each.id for each in await meter.records(ANY)] == [f"r{i}" for i in range(20, 30)], "the newest are kept"


async def test_botkit_stops_though_the_store_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "AGAIN", 0.01)
    monkeypatch.setattr(ledgers, "CLOSE", 0.05)
    meter = Watched()
    meter.down = 1_000_000
    async with asyncio.timeout(5):
        async with Ledger(meter, KEYS) as ledger:
            await ledger.end(record())


async def test_an_answer_is_not_held_up_long_by_a_store_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "AGAIN", 0.05)
    meter = Watched()
    async with asyncio.timeout(5), Ledger(meter, KEYS) as ledger:
        await ledger.begin(key(KeyLimits(concurrent_runs=1)), "r1", run=True)
        meter.down = 5
        await ledger.end(record("r1"))
    assert len(await meter.records(ANY)) == 1


async def test_a_long_run_keeps_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "BEAT", 0.01)
    meter, now = Watched(), NOW
    async with asyncio.timeout(5), Ledger(meter, KEYS, clock=lambda: now) as ledger:
        one = key(KeyLimits(concurrent_runs=1))
        await ledger.begin(one, "r1", run=True)
        now += ledgers.SLOT - 1
        meter.held.clear()
        await meter.held.wait()
        now += ledgers.SLOT - 1
        assert (await ledger.begin(one, "r2", run=True)).refused == "concurrent_runs"


async def test_the_last_use_of_keys_is_noted() -> None:
    keys = MemoryKeys()
    await keys.put(key())
    uses = [{"k1": NOW + 5}]
    async with Ledger(MemoryMeter(), keys, lambda: uses.pop() if uses else {}):
        pass
    found = await keys.get("k1")
    assert found is not None
    assert found.last_used == NOW + 5
