"""Keys as a running process knows them: asked for rarely, and soon without effect when taken away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from botkit import keyring
from botkit.errors import StoreError
from botkit.keyring import FRESH, KeyRefused, Keyring
from botkit.keys import ApiKey
from botkit.stores.keys.memory import MemoryKeys
from botkit.stores.rules import DEADLINE
from botkit.testing.store_values import NOW
from botkit.tokens import Token, hashed, new_token, rotated


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Counted(MemoryKeys):
    """A store that counts how often it is asked, and can be down."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.down = False

    async def get(self, id: str) -> ApiKey | None:
        self.asked += 1
        if self.down:
            raise StoreError("down")
        return await super().get(id)


async def made(keys: MemoryKeys) -> tuple[ApiKey, Token]:
    token = new_token(NOW)
    key = ApiKey(token.id, "name", "owner", NOW, hashed(token.secret), token.prefix)
    assert await keys.put(key)
    return key, token


async def test_a_proven_key_is_asked_for_once_in_a_while() -> None:
    keys, clock = Counted(), Clock()
    key, token = await made(keys)
    ring = Keyring(keys, clock=clock)
    for _ in range(100):
        assert await ring.prove(token.text) == key
    assert keys.asked == 1
    clock.now += FRESH
    await ring.prove(token.text)
    assert keys.asked == 2


async def test_a_wrong_secret_is_refused_though_the_key_is_known() -> None:
    keys = Counted()
    _, token = await made(keys)
    ring = Keyring(keys, clock=Clock())
    await ring.prove(token.text)
    with pytest.raises(KeyRefused, match="no such key"):
        await ring.prove(Token(token.id, "00" * 32).text)
    with pytest.raises(KeyRefused, match="no such key"):
        await ring.prove(new_token(NOW).text)
    with pytest.raises(KeyRefused, match="no such key"):
        await ring.prove("anything")


async def test_a_revoked_key_stops_working_within_five_seconds() -> None:
    keys, clock = Counted(), Clock()
    key, token = await made(keys)
    ring = Keyring(keys, clock=clock)
    await ring.prove(token.text)
    await keys.put(replace(key, suspended=True, revision=2))
    clock.now += FRESH
    with pytest.raises(KeyRefused, match="suspended"):
        await ring.prove(token.text)
    await keys.delete(key.id)
    clock.now += FRESH
    with pytest.raises(KeyRefused, match="no such key"):
        await ring.prove(token.text)
    assert FRESH + 2 * DEADLINE <= 5.0


async def test_a_key_expires_also_while_it_is_remembered() -> None:
    keys, clock = Counted(), Clock()
    key, token = await made(keys)
    await keys.put(replace(key, expires=NOW + FRESH / 2, revision=2))
    ring = Keyring(keys, clock=clock)
    await ring.prove(token.text)
    clock.now += FRESH / 2
    with pytest.raises(KeyRefused, match="expired"):
        await ring.prove(token.text)


async def test_only_who_has_the_secret_learns_that_a_key_is_suspended() -> None:
    keys = Counted()
    key, token = await made(keys)
    await keys.put(replace(key, suspended=True, revision=2))
    with pytest.raises(KeyRefused) as caught:
        await Keyring(keys, clock=Clock()).prove(Token(token.id, "00" * 32).text)
    assert caught.value.reason == "unknown"


async def test_after_a_rotation_both_tokens_prove_the_key_until_the_overlap_ends() -> None:
    keys, clock = Counted(), Clock()
    key, old = await made(keys)
    turned, new = rotated(key, NOW, overlap=10.0)
    await keys.put(turned)
    ring = Keyring(keys, clock=clock)
    assert await ring.prove(old.text) == await ring.prove(new.text) == turned
    clock.now += 10.0
    await ring.prove(new.text)
    with pytest.raises(KeyRefused):
        await ring.prove(old.text)


async def test_a_store_that_is_down_is_said_and_does_not_keep_old_keys_alive() -> None:
    keys, clock = Counted(), Clock()
    _, token = await made(keys)
    ring = Keyring(keys, clock=clock)
    await ring.prove(token.text)
    keys.down = True
    await ring.prove(token.text)
    clock.now += FRESH
    for _ in range(3):
        with pytest.raises(StoreError):
            await ring.prove(token.text)


async def test_the_last_uses_are_told_once() -> None:
    keys, clock = Counted(), Clock()
    key, token = await made(keys)
    ring = Keyring(keys, clock=clock)
    await ring.prove(token.text)
    assert ring.used() == {key.id: NOW}
    assert ring.used() == {}


async def test_unknown_ids_take_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "MOST", 2)
    keys = Counted()
    tokens = [(await made(keys))[1] for _ in range(3)]
    ring = Keyring(keys, clock=Clock())
    for token in tokens[:2]:
        await ring.prove(token.text)
    for _ in range(50):
        with pytest.raises(KeyRefused):
            await ring.prove(new_token(NOW).text)
    asked = keys.asked
    for token in tokens[:2]:
        await ring.prove(token.text)
    assert keys.asked == asked, "nobody was pushed out"
    await ring.prove(tokens[2].text)
    await ring.prove(tokens[0].text)
    assert keys.asked == asked + 2, "the least recently used one was"
