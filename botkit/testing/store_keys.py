"""Checks of a store: keys are kept, changed one change at a time, and a nonce works once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from botkit.keys import ApiKey, Hashed, KeyLimits, Scopes
from botkit.protocols import Store
from botkit.testing.store_values import NASTY, NOW, WITHIN

IDS = (NASTY, f"{NASTY}\n", "*", "a:b", "a", "a/b")


def api_key(id: str = "k1", **more: object) -> ApiKey:
    """A key with every field set."""
    key = ApiKey(
        id=id,
        name="Grüße 😀",
        owner="team",
        created=NOW,
        secret=Hashed("aa", "bb"),
        prefix=f"bk_{id}_1234",
        previous=Hashed("cc", "dd"),
        previous_until=NOW + 60,
        expires=NOW + 3600,
        scopes=Scopes(bots=("helper",), projects=("web",), max_tokens=1000, bash=True),
        limits=KeyLimits(requests_per_minute=10, usd_per_day=2.5),
        networks=("10.0.0.0/8",),
        signing="sign",
        metadata={"cost centre": "42"},
    )
    return replace(key, **more)  # type: ignore[arg-type]  # whatever the test names


class KeysContract:
    async def test_a_key_comes_back_as_it_was(self, store: Store, another_store: Store) -> None:
        assert await store.keys.get("k1") is None
        assert await store.keys.put(api_key())
        assert await another_store.keys.get("k1") == api_key()

    async def test_a_key_is_made_once(self, store: Store) -> None:
        assert await store.keys.put(api_key())
        assert not await store.keys.put(api_key(name="another"))
        assert await store.keys.get("k1") == api_key()

    async def test_a_change_must_follow_what_is_there(self, store: Store) -> None:
        assert not await store.keys.put(api_key(revision=2)), "there is none to change"
        await store.keys.put(api_key())
        assert await store.keys.put(api_key(revision=2, suspended=True, owner="other"))
        assert not await store.keys.put(api_key(revision=2))
        assert not await store.keys.put(api_key(revision=4))
        assert await store.keys.get("k1") == api_key(revision=2, suspended=True, owner="other")
        assert [key.id for key in await store.keys.list(owner="other")] == ["k1"]
        assert not await store.keys.list(owner="team")

    async def test_of_many_changes_at_once_one_is_written(self, store: Store, another_store: Store) -> None:
        await store.keys.put(api_key())
        async with asyncio.timeout(WITHIN):
            written = await asyncio.gather(
                *((store, another_store)[i % 2].keys.put(api_key(revision=2, name=f"{i}")) for i in range(50))
            )
        assert written.count(True) == 1
        found = await store.keys.get("k1")
        assert found is not None
        assert found.name == str(written.index(True))

    async def test_a_deleted_key_is_gone(self, store: Store) -> None:
        await store.keys.put(api_key())
        await store.keys.touch({"k1": NOW})
        assert await store.keys.delete("k1")
        assert not await store.keys.delete("k1")
        assert await store.keys.get("k1") is None
        assert not await store.keys.list()
        assert await store.keys.put(api_key()), "and may be made again, unused"
        assert await store.keys.get("k1") == api_key()

    async def test_keys_are_listed_page_by_page(self, store: Store) -> None:
        for number in (3, 1, 4, 0, 2):
            await store.keys.put(api_key(f"k{number}", owner="odd" if number % 2 else "even"))
        first = await store.keys.list(most=2)
        assert [key.id for key in first] == ["k0", "k1"]
        assert [key.id for key in await store.keys.list(after="k1", most=2)] == ["k2", "k3"]
        assert [key.id for key in await store.keys.list(after="k3", most=2)] == ["k4"]
        assert not await store.keys.list(after="k4")
        assert [key.id for key in await store.keys.list(owner="odd", most=1)] == ["k1"]
        assert [key.id for key in await store.keys.list(owner="odd", after="k1", most=1)] == ["k3"]
        assert [key.id for key in await store.keys.list(owner="even")] == ["k0", "k2", "k4"]

    async def test_the_last_use_is_noted_and_undoes_no_change(self, store: Store) -> None:
        await store.keys.put(api_key())
        await store.keys.touch({"k1": NOW + 5, "unknown": NOW})
        await store.keys.touch({"k1": NOW + 1})
        assert await store.keys.put(api_key(revision=2, last_used=NOW + 99))
        assert await store.keys.get("k1") == api_key(revision=2, last_used=NOW + 5)
        assert [key.last_used for key in await store.keys.list()] == [NOW + 5]
        assert await store.keys.get("unknown") is None

    async def test_a_nonce_works_once(self, store: Store, another_store: Store) -> None:
        assert await store.keys.use_nonce("k1", "n", NOW, NOW + 300)
        assert not await another_store.keys.use_nonce("k1", "n", NOW + 299, NOW + 599)
        assert await store.keys.use_nonce("k2", "n", NOW, NOW + 300)
        assert await store.keys.use_nonce("k1", "n", NOW + 301, NOW + 600), "when it ran out it is new again"

    async def test_of_a_nonce_used_many_times_at_once_one_works(self, store: Store, another_store: Store) -> None:
        async with asyncio.timeout(WITHIN):
            used = await asyncio.gather(
                *((store, another_store)[i % 2].keys.use_nonce("k1", "n", NOW, NOW + 300) for i in range(50))
            )
        assert used.count(True) == 1

    async def test_nonces_that_ran_out_are_forgotten(self, store: Store) -> None:
        await store.keys.use_nonce("k1", "early", NOW, NOW + 10)
        await store.keys.use_nonce("k1", "late", NOW, NOW + 20)
        assert await store.keys.purge(NOW + 15) == 1
        assert not await store.keys.use_nonce("k1", "late", NOW + 15, NOW + 30)

    async def test_no_keys_id_and_no_nonce_can_be_taken_for_another(self, store: Store) -> None:
        for id in IDS:
            assert await store.keys.put(api_key(id, owner=id))
            assert await store.keys.use_nonce(id, "b/c", NOW, NOW + 300)
            assert await store.keys.use_nonce(id, "c", NOW, NOW + 300)
        for id in IDS:
            assert await store.keys.get(id) == api_key(id, owner=id)
            assert [key.id for key in await store.keys.list(owner=id)] == [id]
        assert [key.id for key in await store.keys.list(most=3)] == sorted(IDS)[:3]
        assert await store.keys.delete("*")
        assert [key.id for key in await store.keys.list()] == sorted(set(IDS) - {"*"})
