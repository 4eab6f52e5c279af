"""Keys as administrators make and change them: nothing is lost to somebody who works at the same time."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from botkit.errors import StoreError
from botkit.issuing import Desk
from botkit.keys import ApiKey
from botkit.stores.keys.memory import MemoryKeys
from botkit.stores.memory import MemoryStore
from botkit.testing.store_values import NOW
from botkit.tokens import new_key, proves


def desk(store: MemoryStore) -> Desk:
    return Desk(store, "cli:ada", "192.0.2.7", clock=lambda: NOW)


class Contended(MemoryKeys):
    """Somebody else changes a key between the reading and the writing, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    async def put(self, key: ApiKey) -> bool:
        if key.revision > 1 and self.times:
            self.times -= 1
            before = await self.get(key.id)
            assert before is not None
            await super().put(replace(before, owner=f"other {self.times}", revision=before.revision + 1))
        return await super().put(key)


async def test_two_changes_at_once_are_both_made() -> None:
    store = MemoryStore()
    store.keys = Contended(2)
    key, _ = new_key("n", "o", NOW)
    await desk(store).add(key)
    changed = await desk(store).change(key.id, lambda each: replace(each, name="new"))
    assert changed is not None
    assert (changed.name, changed.owner, changed.revision) == ("new", "other 0", 4)
    assert [act.what for act in await store.acts.list()] == ["key.change", "key.create"], "noted once"


async def test_a_change_that_others_always_overtake_is_given_up() -> None:
    store = MemoryStore()
    store.keys = Contended(1000)
    key, _ = new_key("n", "o", NOW)
    await desk(store).add(key)
    async with asyncio.timeout(5):
        with pytest.raises(StoreError, match="changed by others"):
            await desk(store).change(key.id, lambda each: replace(each, name="new"))


async def test_the_token_of_a_contended_rotation_is_the_one_that_is_kept() -> None:
    store = MemoryStore()
    store.keys = Contended(1)
    key, old = new_key("n", "o", NOW)
    await desk(store).add(key)
    turned = await desk(store).rotate(key.id, 60.0)
    assert turned is not None
    kept = await store.keys.get(key.id)
    assert kept == turned[0]
    assert proves(turned[1], kept, NOW)
    assert proves(old, kept, NOW)


async def test_what_is_not_there_is_said() -> None:
    store = MemoryStore()
    assert await desk(store).change("none", lambda each: each) is None
    assert await desk(store).rotate("none", 0.0) is None
    assert not await desk(store).delete("none")
    assert not await store.acts.list(), "nothing was done"


async def test_a_key_is_made_once() -> None:
    store = MemoryStore()
    key, _ = new_key("n", "o", NOW)
    await desk(store).add(key)
    with pytest.raises(StoreError, match="already"):
        await desk(store).add(replace(key, name="another"))


async def test_an_act_says_who_what_and_from_where() -> None:
    store = MemoryStore()
    key, token = new_key("ci", "team", NOW)
    await desk(store).add(replace(key, signing="signing-secret"))
    await desk(store).change(key.id, lambda each: replace(each, signing="", networks=("10.0.0.0/8",)))
    change, create = await store.acts.list()
    assert (create.who, create.what, create.target, create.address, create.at) == (
        "cli:ada",
        "key.create",
        key.id,
        "192.0.2.7",
        NOW,
    )
    assert create.detail["name"] == '"ci"'
    assert create.detail["signing"] == "required"
    assert change.detail == {"networks": '["10.0.0.0/8"]', "signing": "not required"}
    assert "signing-secret" not in repr((change, create))
    assert token.secret not in repr((change, create))


class Forgetful(MemoryKeys):
    """A store whose client asked twice: what it says is about the second time."""

    async def put(self, key: ApiKey) -> bool:
        await super().put(key)
        return await super().put(key)


async def test_what_was_written_though_the_answer_was_lost_counts_as_written() -> None:
    store = MemoryStore()
    store.keys = Forgetful()
    key, _ = new_key("n", "o", NOW)
    await desk(store).add(key)
    turned = await desk(store).rotate(key.id, 60.0)
    assert turned is not None
    assert await store.keys.get(key.id) == turned[0]
    assert turned[0].revision == 2
