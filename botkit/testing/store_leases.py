"""Checks of a store: at most one process uses a thing at a time, and who had it longest ago cannot mistake that."""

from __future__ import annotations

import asyncio

from botkit.model import Lease
from botkit.protocols import Store
from botkit.testing.store_values import NASTY, NOW, TTL, WITHIN, admission


class LeasesContract:
    async def test_a_free_lease_is_taken_and_kept_with_its_token(self, store: Store) -> None:
        first = await _taken(store, "thing", "me", NOW)
        assert first.key == "thing"
        assert await _taken(store, "thing", "me", NOW + 5) == first

    async def test_nobody_else_gets_a_lease_that_is_held(self, store: Store, another_store: Store) -> None:
        await _taken(store, "thing", "me", NOW)
        assert await another_store.lease("thing", "you", NOW + TTL - 1, TTL) is None
        assert await another_store.lease("other thing", "you", NOW, TTL) is not None

    async def test_each_new_holder_gets_a_larger_token(self, store: Store, another_store: Store) -> None:
        tokens = [(await _taken(store, "thing", "me", NOW)).token]
        tokens.append((await _taken(another_store, "thing", "you", NOW + TTL + 1)).token)
        given_back = await _taken(store, "thing", "me", NOW + 3 * TTL)
        tokens.append(given_back.token)
        await store.release(given_back, "me")
        tokens.append((await _taken(another_store, "thing", "you", NOW + 3 * TTL)).token)
        assert tokens == sorted(set(tokens))

    async def test_of_many_that_want_it_at_once_one_gets_it(self, store: Store, another_store: Store) -> None:
        async with asyncio.timeout(WITHIN):
            got = await asyncio.gather(
                *((store, another_store)[i % 2].lease("thing", f"owner-{i}", NOW, TTL) for i in range(20))
            )
        assert sum(lease is not None for lease in got) == 1

    async def test_a_lease_given_back_is_free_at_once(self, store: Store) -> None:
        await store.release(await _taken(store, "thing", "me", NOW), "me")
        assert not await store.owners()
        assert await store.lease("thing", "you", NOW, TTL) is not None

    async def test_the_holder_is_told_that_its_lease_is_wanted(self, store: Store, another_store: Store) -> None:
        await _taken(store, "thing", "me", NOW)
        await _taken(store, "unwanted", "me", NOW)
        assert not (await store.beat("me", NOW, TTL)).wanted
        await another_store.lease("thing", "you", NOW + 1, TTL)
        assert set((await store.beat("me", NOW + 2, TTL)).wanted) == {"thing"}
        assert set((await store.beat("me", NOW + 3, TTL)).wanted) == {"thing"}, "told until it is given back"
        assert not (await another_store.beat("you", NOW + 3, TTL)).wanted

    async def test_a_new_holder_is_not_told_what_the_old_one_was(self, store: Store) -> None:
        mine = await _taken(store, "thing", "me", NOW)
        await store.lease("thing", "you", NOW, TTL)
        await store.release(mine, "me")
        await _taken(store, "thing", "you", NOW + 1)
        assert not (await store.beat("you", NOW + 1, TTL)).wanted

    async def test_who_no_longer_asks_no_longer_waits(self, store: Store) -> None:
        await _taken(store, "thing", "me", NOW)
        await store.lease("thing", "you", NOW, TTL)
        assert not (await store.beat("me", NOW + 10 * TTL, TTL)).wanted

    async def test_who_only_looks_asks_for_nothing(self, store: Store) -> None:
        await _taken(store, "thing", "me", NOW)
        assert await store.lease("thing", "you", NOW, 0.0) is None
        assert not (await store.beat("me", NOW, TTL)).wanted

    async def test_a_beat_keeps_all_leases(self, store: Store) -> None:
        for key in ("one", "two"):
            await _taken(store, key, "me", NOW)
        await store.beat("me", NOW + TTL - 1, TTL)
        for key in ("one", "two"):
            assert await store.lease(key, "you", NOW + 2 * TTL - 2, TTL) is None

    async def test_a_lost_lease_is_neither_kept_nor_given_back_by_its_old_holder(
        self, store: Store, another_store: Store
    ) -> None:
        lost = await _taken(store, "thing", "me", NOW)
        now = NOW + TTL + 1
        theirs = await _taken(another_store, "thing", "you", now)
        assert not (await store.beat("me", now, TTL)).wanted
        await store.release(lost, "me")
        assert await store.lease("thing", "me", now, TTL) is None
        assert await _taken(another_store, "thing", "you", now) == theirs

    async def test_the_holder_is_told_which_leases_it_no_longer_has(self, store: Store, another_store: Store) -> None:
        kept, lost, given_back = [await _taken(store, key, "me", NOW) for key in ("kept", "lost", "given back")]
        held = [kept, lost, given_back]
        assert not (await store.beat("me", NOW, TTL, held)).lost
        await store.release(given_back, "me")
        late = NOW + TTL + 1
        await _taken(another_store, "lost", "you", late)
        assert set((await store.beat("me", late, TTL, held)).lost) == {"lost", "given back"}
        await _taken(store, "given back", "me", late)
        assert set((await store.beat("me", late, TTL, held)).lost) == {"lost", "given back"}, (
            "it may have been another's"
        )

    async def test_an_old_lease_does_not_give_back_the_holders_new_one(self, store: Store) -> None:
        old = await _taken(store, "thing", "me", NOW)
        await store.release(old, "me")
        await _taken(store, "thing", "me", NOW)
        await store.release(old, "me")
        assert await store.lease("thing", "you", NOW, TTL) is None

    async def test_the_leases_of_a_process_that_is_gone_are_free_at_once(self, store: Store) -> None:
        old = await _taken(store, "thing", "gone", NOW)
        await store.admit(admission("turn-1"), "gone")
        await store.take_over("helper", "me", ["gone"], NOW + 1)
        assert set(await store.owners()) == {"me"}
        assert (await _taken(store, "thing", "me", NOW + 1)).token > old.token

    async def test_keys_and_owners_may_hold_any_character(self, store: Store) -> None:
        for key in (NASTY, "*", "a:b", "a"):
            await _taken(store, key, f"me {NASTY}", NOW)
            assert await store.lease(key, "you", NOW, TTL) is None
        assert set((await store.beat(f"me {NASTY}", NOW, TTL)).wanted) == {NASTY, "*", "a:b", "a"}


async def _taken(store: Store, key: str, owner: str, now: float) -> Lease:
    lease = await store.lease(key, owner, now, TTL)
    assert lease is not None, f"{owner} did not get {key!r}"
    return lease
