"""Checks of a store: a key never gets more than its limits, and what it used is found again."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from botkit.keys import KeyLimits, LimitName, Spent
from botkit.protocols import Store
from botkit.testing.store_keys import IDS
from botkit.testing.store_values import NOW, WITHIN
from botkit.usage import UsageQuery, UsageRecord, UsageSum

MINUTE = 60.0
DAY = 86_400.0
ANY = UsageQuery()


def record(id: str = "r1", **more: object) -> UsageRecord:
    """A record with every field set."""
    found = UsageRecord(
        id=id,
        at=NOW,
        key="k1",
        endpoint="POST /v1/chat/completions",
        bot="helper",
        model="opus",
        session="s-1",
        user="ünï",
        input_tokens=100,
        output_tokens=20,
        cache_read_tokens=7,
        cache_write_tokens=3,
        cost=0.25,
        latency=2.0,
        first_token=0.5,
        status=200,
    )
    return replace(found, **more)


class LimitsContract:
    async def test_a_request_within_its_limits_begins_and_is_counted(self, store: Store) -> None:
        limits = KeyLimits(requests_per_minute=5, concurrent_runs=2)
        first = await store.meter.begin("k1", limits, "r1", NOW, slot=60.0)
        assert (first.refused, first.spent) == (None, Spent(requests_minute=1, requests_day=1, runs=1))
        second = await store.meter.begin("k1", limits, "r2", NOW)
        assert second.spent == Spent(requests_minute=2, requests_day=2, runs=1)
        assert await store.meter.spent("k1", NOW) == second.spent
        assert await store.meter.spent("k2", NOW) == Spent()

    async def test_of_a_thousand_requests_at_once_exactly_the_limit_passes(
        self, store: Store, another_store: Store
    ) -> None:
        for limits, slot in (
            (KeyLimits(requests_per_minute=10), 0.0),
            (KeyLimits(requests_per_day=10), 60.0),
            (KeyLimits(concurrent_runs=10), 60.0),
        ):
            key = repr(limits)
            async with asyncio.timeout(2 * WITHIN):
                answers = await asyncio.gather(
                    *(
                        (store, another_store)[i % 2].meter.begin(key, limits, f"r{i}", NOW, slot=slot)
                        for i in range(1000)
                    )
                )
            assert sum(answer.refused is None for answer in answers) == 10, key
            spent = await store.meter.spent(key, NOW)
            assert (spent.requests_minute, spent.requests_day) == (10, 10)
            assert spent.runs == (10 if slot else 0)

    async def test_a_refused_request_counts_nothing_and_is_told_when_to_come_back(self, store: Store) -> None:
        limits = KeyLimits(requests_per_minute=1, requests_per_day=5)
        now = MINUTE * int(NOW // MINUTE) + 20
        refused = await store.meter.begin("k1", limits, "r1", now, slot=60.0)
        for i in range(5):
            refused = await store.meter.begin("k1", limits, f"refused-{i}", now, slot=60.0)
            assert refused.refused == "requests_per_minute"
            assert refused.retry_after == pytest.approx(40.0)
            assert refused.spent == Spent(requests_minute=1, requests_day=1, runs=1)
        assert (await store.meter.begin("k1", limits, "r2", now + refused.retry_after)).refused is None

    async def test_a_new_day_begins_at_midnight_utc(self, store: Store) -> None:
        limits, day = KeyLimits(requests_per_day=1), DAY * int(NOW // DAY)
        await store.meter.begin("k1", limits, "r1", day)
        last = await store.meter.begin("k1", limits, "r2", day + DAY - 1)
        assert last.refused == "requests_per_day"
        assert last.retry_after == pytest.approx(1.0)
        assert (await store.meter.begin("k1", limits, "r3", day + DAY)).refused is None

    @pytest.mark.parametrize(
        ("name", "limits"),
        [
            ("tokens_per_day", KeyLimits(tokens_per_day=240)),
            ("usd_per_day", KeyLimits(usd_per_day=0.5)),
            ("usd_per_month", KeyLimits(usd_per_month=0.5)),
        ],
    )
    async def test_what_was_used_up_refuses_the_next_request(
        self, store: Store, name: LimitName, limits: KeyLimits
    ) -> None:
        for i in range(2):
            assert (await store.meter.begin("k1", limits, f"r{i}", NOW)).refused is None
            await store.meter.end([record(f"r{i}")])
        refused = await store.meter.begin("k1", limits, "r3", NOW)
        assert refused.refused == name
        assert refused.spent == Spent(2, 2, 240, 0.5, 0.5, 0)
        later = NOW + refused.retry_after
        assert (await store.meter.begin("k1", limits, "r4", later - 1)).refused == name
        assert (await store.meter.begin("k1", limits, "r5", later)).refused is None
        assert (await store.meter.begin("k2", limits, "r6", NOW)).refused is None

    async def test_a_month_ends_with_its_last_day_also_in_december(self, store: Store) -> None:
        limits, december = KeyLimits(usd_per_month=0.1), 1_703_980_800.0  # 2023-12-31 00:00 UTC
        await store.meter.end([record(at=december, latency=0.0)])
        refused = await store.meter.begin("k1", limits, "r2", december + 10)
        assert refused.retry_after == pytest.approx(DAY - 10)
        assert (await store.meter.begin("k1", limits, "r3", december + DAY)).refused is None

    async def test_use_counts_in_the_day_in_which_it_ended(self, store: Store) -> None:
        midnight = DAY * (int(NOW // DAY) + 1)
        await store.meter.end([record(at=midnight - 5, latency=10.0)])
        assert (await store.meter.spent("k1", midnight - 1)).tokens_day == 0
        assert (await store.meter.spent("k1", midnight + 5)).tokens_day == 120

    async def test_a_run_that_ends_makes_room_for_another(self, store: Store, another_store: Store) -> None:
        limits = KeyLimits(concurrent_runs=1)
        await store.meter.begin("k1", limits, "r1", NOW, slot=60.0)
        refused = await another_store.meter.begin("k1", limits, "r2", NOW, slot=60.0)
        assert refused.refused == "concurrent_runs"
        assert refused.retry_after > 0
        assert (await store.meter.begin("k1", limits, "no run", NOW)).refused is None
        await store.meter.end([record("r1")])
        assert (await another_store.meter.begin("k1", limits, "r2", NOW, slot=60.0)).refused is None

    async def test_the_run_of_a_process_that_died_makes_room_by_itself(self, store: Store) -> None:
        limits = KeyLimits(concurrent_runs=1)
        await store.meter.begin("k1", limits, "r1", NOW, slot=60.0)
        assert (await store.meter.begin("k1", limits, "r2", NOW + 59, slot=60.0)).refused is not None
        assert (await store.meter.begin("k1", limits, "r2", NOW + 61, slot=60.0)).refused is None

    async def test_a_run_that_is_held_keeps_its_place(self, store: Store) -> None:
        limits = KeyLimits(concurrent_runs=1)
        await store.meter.begin("k1", limits, "r1", NOW, slot=60.0)
        await store.meter.hold([("k1", "r1"), ("k1", "never began")], NOW + 120)
        assert (await store.meter.begin("k1", limits, "r2", NOW + 119, slot=60.0)).refused is not None
        assert (await store.meter.begin("k1", limits, "r2", NOW + 121, slot=60.0)).refused is None

    async def test_a_run_that_goes_on_alone_keeps_the_place_of_its_request(
        self, store: Store, another_store: Store
    ) -> None:
        limits = KeyLimits(concurrent_runs=1)
        await store.meter.begin("k1", limits, "r1", NOW, slot=60.0)
        assert await another_store.meter.pass_on("k1", "r1", "run", NOW + 90)
        assert not await store.meter.pass_on("k1", "r1", "another", NOW + 90)
        await store.meter.end([record("r1")])
        assert (await store.meter.begin("k1", limits, "r2", NOW + 89, slot=60.0)).refused == "concurrent_runs"
        await store.meter.end([record("run")])
        assert (await store.meter.begin("k1", limits, "r2", NOW, slot=60.0)).refused is None

    async def test_a_run_that_is_recorded_already_takes_no_place(self, store: Store) -> None:
        limits = KeyLimits(concurrent_runs=1)
        await store.meter.begin("k1", limits, "r1", NOW, slot=60.0)
        await store.meter.end([record("run")])
        assert not await store.meter.pass_on("k1", "r1", "run", NOW + 90)
        assert (await store.meter.begin("k1", limits, "r2", NOW, slot=60.0)).refused is None

    async def test_a_run_that_has_its_place_is_not_counted_twice(self, store: Store) -> None:
        limits = KeyLimits(concurrent_runs=1)
        for _ in range(2):
            again = await store.meter.begin("k1", limits, "r1", NOW, slot=60.0)
            assert (again.refused, again.spent) == (None, Spent(1, 1, runs=1))

    async def test_no_key_uses_anothers_limits(self, store: Store) -> None:
        for id in IDS:
            answer = await store.meter.begin(id, KeyLimits(concurrent_runs=1), id, NOW, slot=60.0)
            assert (answer.refused, answer.spent) == (None, Spent(1, 1, runs=1)), id
        for id in IDS:
            await store.meter.end([record(id, key=id)])
            assert await store.meter.spent(id, NOW) == Spent(1, 1, 120, 0.25, 0.25, 0)


class UsageContract:
    async def test_a_record_comes_back_as_it_was(self, store: Store, another_store: Store) -> None:
        assert not await store.meter.records(ANY)
        assert not await store.meter.sums(ANY)
        await store.meter.end([record(), record("r2", at=NOW + 1, status=500, error="internal", first_token=0.0)])
        failed = record("r2", at=NOW + 1, status=500, error="internal", first_token=0.0)
        assert list(await another_store.meter.records(ANY)) == [record(), failed]

    async def test_a_record_written_again_is_counted_once(self, store: Store, another_store: Store) -> None:
        async with asyncio.timeout(WITHIN):
            await asyncio.gather(*((store, another_store)[i % 2].meter.end([record()]) for i in range(20)))
        assert len(await store.meter.records(ANY)) == 1
        assert (await store.meter.spent("k1", NOW)).tokens_day == 120

    async def test_records_are_added_up(self, store: Store) -> None:
        failed = record("r2", status=429, error="rate_limit", cost=0.0, first_token=0.0)
        await store.meter.end([record(), failed])
        (total,) = await store.meter.sums(ANY)
        assert total == UsageSum((), 2, 1, 200, 40, 14, 6, 0.25, 4.0, 0.5, 1)

    async def test_sums_are_found_by_time_and_dimension(self, store: Store) -> None:
        await store.meter.end(
            [
                record("r1"),
                record("r2", bot="other", status=404, at=NOW + DAY),
                record("r3", key="k2", model="haiku", user="", at=NOW + DAY),
                record("r4", endpoint="GET /v1/models", at=NOW + 2 * DAY),
            ]
        )
        assert await _groups(store, UsageQuery(by=("key",))) == {("k1",): 3, ("k2",): 1}
        assert await _groups(store, UsageQuery(by=("bot", "status"))) == {
            ("helper", "200"): 3,
            ("other", "404"): 1,
        }
        assert await _groups(store, UsageQuery(by=("day", "model"))) == {
            ("2023-11-14", "opus"): 1,
            ("2023-11-15", "haiku"): 1,
            ("2023-11-15", "opus"): 1,
            ("2023-11-16", "opus"): 1,
        }
        assert await _groups(store, UsageQuery(by=("user",))) == {("",): 1, ("ünï",): 3}
        assert await _groups(store, UsageQuery(by=("endpoint",), since=NOW + 2 * DAY)) == {("GET /v1/models",): 1}
        assert await _groups(store, UsageQuery(until=NOW + DAY)) == {(): 1}
        assert await _groups(store, UsageQuery(key="k1", bot="helper", by=("key",))) == {("k1",): 2}
        assert await _groups(store, UsageQuery(status=404, by=("day",))) == {("2023-11-15",): 1}
        assert await _groups(store, UsageQuery(user="ünï", model="opus", endpoint="GET /v1/models")) == {(): 1}
        assert not await store.meter.sums(UsageQuery(key="nobody", by=("key",)))

    async def test_records_are_read_page_by_page(self, store: Store) -> None:
        await store.meter.end([record(f"r{i:02}", at=NOW + i // 3, key=f"k{i % 2}") for i in range(12)])
        for query, expected in (
            (ANY, [f"r{i:02}" for i in range(12)]),
            (UsageQuery(key="k1"), [f"r{i:02}" for i in range(1, 12, 2)]),
            (UsageQuery(since=NOW + 1, until=NOW + 3), [f"r{i:02}" for i in range(3, 9)]),
        ):
            found: list[str] = []
            after: tuple[float, str] | None = None
            while page := await store.meter.records(query, after=after, most=2):
                assert len(page) <= 2
                found += [each.id for each in page]
                after = page[-1].at, page[-1].id
            assert found == expected

    async def test_many_records_are_added_up_and_forgotten(self, store: Store) -> None:
        async with asyncio.timeout(4 * WITHIN):
            await store.meter.end([record(f"r{i}", at=NOW + i) for i in range(1200)])
            assert await _groups(store, ANY) == {(): 1200}
            assert len(await store.meter.records(ANY, most=1100)) == 1100
            assert await store.meter.purge(NOW + 1100, NOW) == 1100
            assert await _groups(store, ANY) == {(): 100}

    async def test_old_records_are_forgotten_but_not_what_a_limit_counts(self, store: Store) -> None:
        await store.meter.end([record(), record("r2", at=NOW + 10)])
        assert await store.meter.purge(NOW + 5, NOW + 5) == 1
        assert [each.id for each in await store.meter.records(ANY)] == ["r2"]
        assert [each.id for each in await store.meter.records(UsageQuery(key="k1"))] == ["r2"]
        assert (await store.meter.spent("k1", NOW + 5)).tokens_day == 240

    async def test_any_text_can_be_recorded_and_asked_for(self, store: Store) -> None:
        await store.meter.end([record(id, key=id, bot=id, model=id, endpoint=id, user=id, session=id) for id in IDS])
        for id in IDS:
            query = UsageQuery(by=("key", "bot", "model", "endpoint", "user"), key=id, bot=id, model=id, user=id)
            assert await _groups(store, query) == {(id,) * 5: 1}
            assert [each.id for each in await store.meter.records(UsageQuery(key=id))] == [id]


async def _groups(store: Store, query: UsageQuery) -> dict[tuple[str, ...], int]:
    sums = await store.meter.sums(query)
    assert [each.group for each in sums] == sorted(each.group for each in sums)
    return {each.group: each.requests for each in sums}
