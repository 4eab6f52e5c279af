"""The store on a server: real Lua on a real server, and what happens when the server does not do its part."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from botkit.errors import ConfigError, StoreError
from botkit.protocols import Store
from botkit.stores.redis import RedisStore
from botkit.testing.store_contract import StoreContract
from botkit.testing.store_keys import api_key
from botkit.testing.store_meter import record
from botkit.testing.store_runs import act, finished, repeatable, run
from botkit.testing.store_values import NOW, TTL, admission, limit, session
from tests.botkit.stores.proxy import Proxy
from tests.botkit.stores.valkey import Valkey, command

SECRET = "hun/ter#2@"
ENCODED = "hun%2Fter%232%40"


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[Store]:
    async with RedisStore(redis_url) as store:
        yield store


@pytest.fixture
async def another_store(redis_url: str, store: Store) -> AsyncIterator[Store]:
    async with RedisStore(redis_url) as store:
        yield store


class TestRedisStore(StoreContract):
    pass


async def test_everything_is_there_after_a_restart_of_botkit(redis_url: str) -> None:
    async with RedisStore(redis_url) as store:
        await store.admit(admission("turn-1"), "me")
        await store.save_session(session())
    async with RedisStore(redis_url) as store:
        assert (await store.admit(admission("turn-1"), "you")).repeat
        assert await store.session("helper/here") == session()
        assert [entry.id for entry in await store.take_over("helper", "you", ["me"], NOW)] == ["turn-1"]


async def test_redis_forgets_repeats_and_unused_sessions_by_itself(redis_url: str) -> None:
    async with RedisStore(redis_url, session_ttl=1000.0) as store:
        await store.admit(admission("turn-1"), "me")
        await store.save_session(session())
        assert 86_000 < await command(redis_url, "TTL", "botkit:seen") <= 86_400
        for key in ("botkit:session:s-1", "botkit:conversation:helper/here", "botkit:sessions/helper/U1"):
            assert 990 < await command(redis_url, "TTL", key) <= 1000, key
        assert await command(redis_url, "TTL", "botkit:entries") == -1, "nothing unfinished expires"


async def test_an_expired_session_is_nowhere(redis_url: str) -> None:
    async with RedisStore(redis_url, session_ttl=0.0) as store:
        await store.save_session(session())
        assert await command(redis_url, "TTL", "botkit:session:s-1") == -1
        await command(redis_url, "DEL", "botkit:session:s-1")
        assert await store.session("helper/here") is None
        assert not await store.list_sessions("helper")
        await store.save_session(session("s-2"))
        assert await store.session("helper/here") == session("s-2")
        assert await store.purge(seen=0.0, sessions=NOW + 1) == 1
        assert await command(redis_url, "DBSIZE") == 0


async def test_a_day_later_old_repeats_are_dropped_on_the_way(redis_url: str) -> None:
    async with RedisStore(redis_url) as store:
        await store.admit(admission("turn-1"), "me")
        await store.admit(admission("turn-2", now=NOW + 86_401), "me")
        assert await command(redis_url, "ZCARD", "botkit:seen") == 1


async def test_many_old_sessions_are_purged_in_small_steps(redis_url: str) -> None:
    async with RedisStore(redis_url) as store:
        await asyncio.gather(*(store.save_session(session(f"s-{i}", conversation=f"c-{i}")) for i in range(1001)))
        assert await store.purge(seen=0.0, sessions=NOW + 1) == 1001
        assert await command(redis_url, "DBSIZE") == 0


async def test_all_that_is_kept_is_kept_under_one_prefix(redis_url: str) -> None:
    async with RedisStore(redis_url) as store:
        await store.admit(admission("turn-1", limit()), "me")
        await store.lease("thing", "me", NOW, TTL)
        await store.lease("thing", "you", NOW, TTL)
        await store.set_mark("x", "y")
        await store.save_session(session())
        keys = await command(redis_url, "KEYS", "*")
        assert all(key.startswith(b"botkit:") for key in keys)
        await store.purge(seen=NOW + 1e6, sessions=NOW + 1e6)
        await store.settle("turn-1", "me")
        await store.set_mark("x", None)
        assert set(await command(redis_url, "KEYS", "*")) <= {b"botkit:token"}


async def test_all_that_is_kept_for_programs_can_be_forgotten(redis_url: str) -> None:
    async with RedisStore(redis_url) as store:
        await store.keys.put(api_key())
        await store.keys.touch({"k1": NOW})
        await store.keys.use_nonce("k1", "nonce", NOW, NOW + 300)
        await store.meter.begin("k1", api_key().limits, "r1", NOW, slot=60.0)
        await store.meter.end([record()])
        await store.runs.save(finished(run()))
        await store.runs.claim(repeatable())
        await store.acts.add(act())
        keys = set(await command(redis_url, "KEYS", "*"))
        assert all(key.startswith(b"botkit:") for key in keys)
        counters = {key for key in keys if key.startswith(b"botkit:meter/")}
        assert len(counters) == 3
        for key in counters:
            assert 0 < await command(redis_url, "TTL", key.decode()) <= 62 * 86_400, "counters go by themselves"
        late = NOW + 1e6
        assert await store.keys.purge(late) == 1
        assert await store.meter.purge(late, late) == 1
        assert await store.runs.purge(late, late) == 2
        assert await store.acts.purge(late) == 1
        assert await store.keys.delete("k1")
        assert set(await command(redis_url, "KEYS", "*")) == counters


async def test_scripts_that_the_server_forgot_are_sent_again(redis_url: str, store: Store) -> None:
    await store.set_mark("x", "y")
    await store.beat("me", NOW, TTL)
    await command(redis_url, "SCRIPT", "FLUSH")
    await store.beat("me", NOW, TTL)


async def test_a_server_that_lost_its_data_never_hands_out_an_old_token(redis_url: str, store: Store) -> None:
    before = await store.lease("thing", "me", NOW, TTL)
    await command(redis_url, "FLUSHALL")
    after = await store.lease("thing", "you", NOW + 1, TTL)
    assert before is not None
    assert after is not None
    assert after.token > before.token


async def test_doctor_is_told_when_the_server_would_lose_messages(redis_url: str, store: Store) -> None:
    line = await store.check()
    assert line.startswith("Valkey ")
    assert "append-only file off" in line
    await command(redis_url, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    assert "set maxmemory-policy noeviction" in await store.check()
    await command(redis_url, "CONFIG", "SET", "maxmemory-policy", "noeviction")


async def test_a_key_of_another_kind_is_a_store_error(redis_url: str, store: Store) -> None:
    await command(redis_url, "SET", "botkit:seen", "something else")
    with pytest.raises(StoreError, match="something else writes to this database"):
        await store.admit(admission("turn-1"), "me")


async def test_a_full_server_takes_no_message_but_still_settles(redis_url: str, store: Store) -> None:
    await store.admit(admission("turn-1"), "me")
    await command(redis_url, "CONFIG", "SET", "maxmemory", "1")
    try:
        with pytest.raises(StoreError, match="raise its maxmemory"):
            await store.admit(admission("turn-2"), "me")
        await store.settle("turn-1", "me")
    finally:
        await command(redis_url, "CONFIG", "SET", "maxmemory", "0")
    assert not await store.owners()
    assert not (await store.admit(admission("turn-2"), "me")).repeat


async def test_a_replica_is_refused_with_the_reason(redis_url: str, store: Store) -> None:
    await command(redis_url, "REPLICAOF", "127.0.0.1", "1")
    try:
        with pytest.raises(StoreError, match="use the primary's address"):
            await store.admit(admission("turn-1"), "me")
    finally:
        await command(redis_url, "REPLICAOF", "NO", "ONE")


async def test_nothing_listening_is_a_store_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be reached; check that it runs and its address"):
        async with asyncio.timeout(2.5):
            await RedisStore(f"unix://{tmp_path}/nothing").__aenter__()


async def test_a_server_that_stops_is_an_error_in_time_and_works_again_when_it_returns() -> None:
    with Valkey() as server:
        port = server.port
        async with RedisStore(f"{server.url}/2") as store:
            await asyncio.gather(*(store.set_mark(f"mark-{i}", "yes") for i in range(20)))
            server.kill()
            with pytest.raises(StoreError, match="cannot be reached"):
                async with asyncio.timeout(2.5):
                    await store.mark("mark-1")
            with Valkey(port=port):
                answers = await asyncio.gather(*(store.admit(admission(f"turn-{i}"), "me") for i in range(20)))
                assert not any(answer.repeat for answer in answers), "no error either: connections are replaced"
                assert await store.mark("mark-1") is None, "it returned empty"


async def test_a_server_that_hangs_is_an_error_within_two_seconds_and_loses_nothing() -> None:
    with Valkey() as server:
        async with RedisStore(server.url) as store:
            await store.beat("me", NOW, TTL)
            with server.paused():
                began = time.monotonic()
                with pytest.raises(StoreError, match="did not answer within 2 s"):
                    await store.admit(admission("turn-1", key="same"), "me")
                assert time.monotonic() - began < 2.5
            # Delivered again, it is new or the first try was carried out after all: then it is handed out.
            again = await store.admit(admission("turn-2", key="same"), "me")
            handed_out = [entry.id for entry in await store.take_over("helper", "me", [], NOW)]
            assert handed_out == (["turn-1"] if again.repeat else [])


async def test_whoever_is_cancelled_while_redis_is_asked_stays_cancelled(redis_url: str) -> None:
    """At any moment of a question; on Python 3.11 the client's own deadline swallowed every fourth cancellation."""
    async with asyncio.timeout(20), RedisStore(redis_url) as store:
        for steps in range(400):
            asking = asyncio.create_task(store.set_mark("x", "y"))
            for _ in range(steps % 13):
                await asyncio.sleep(0)
            if asking.cancel():
                with pytest.raises(asyncio.CancelledError):
                    await asking
        await store.set_mark("x", "the connections are in order")
        assert await store.mark("x") == "the connections are in order"


async def test_an_answer_lost_on_the_way_loses_and_doubles_nothing(redis_url: str) -> None:
    async with Proxy(redis_url.removeprefix("unix://")) as proxy, RedisStore(proxy.url) as store:
        await store.set_mark("warm", "yes")
        proxy.swallow_answers(1)
        answer = await store.admit(admission("turn-1"), "me")
        assert not answer.repeat, "asked again on a new connection, it is still the first time"
        assert not await store.take_over("helper", "me", [], NOW), "and it is known to be ours"
        proxy.swallow_answers(2)
        with pytest.raises(StoreError, match="cannot be reached"):
            await store.admit(admission("turn-2"), "me")
        assert [entry.id for entry in await store.take_over("helper", "me", [], NOW)] == ["turn-2"]


@pytest.mark.parametrize("lost", [b"EVALSHA", b"HMGET"])
async def test_entries_taken_over_while_the_answer_was_lost_are_handed_out_later(redis_url: str, lost: bytes) -> None:
    async with Proxy(redis_url.removeprefix("unix://")) as proxy, RedisStore(proxy.url) as store:
        async with RedisStore(redis_url) as before:
            await before.admit(admission("turn-1"), "gone")
        proxy.swallow_answers(2, to=lost)
        with pytest.raises(StoreError):
            await store.take_over("helper", "me", ["gone"], NOW)
        assert [entry.id for entry in await store.take_over("helper", "me", ["gone"], NOW)] == ["turn-1"]
        assert not await store.take_over("helper", "me", ["gone"], NOW)


async def test_an_id_no_server_could_keep_is_a_store_error(store: Store) -> None:
    with pytest.raises(StoreError, match="half a character"):
        await store.mark("\ud83d")


async def test_a_server_that_refuses_for_another_reason_says_which(redis_url: str, store: Store) -> None:
    await command(redis_url, "CONFIG", "SET", "min-replicas-to-write", "1")
    try:
        with pytest.raises(StoreError, match="NOREPLICAS"):
            await store.set_mark("x", "y")
    finally:
        await command(redis_url, "CONFIG", "SET", "min-replicas-to-write", "0")


async def test_a_password_opens_the_store_and_is_never_shown() -> None:
    with Valkey() as server:
        await command(server.url, "CONFIG", "SET", "requirepass", SECRET)
        address = server.url.removeprefix("redis://")
        async with RedisStore(f"redis://:{ENCODED}@{address}") as store:
            line = await store.check()
            assert f"redis://{address}/0" in line
            assert "hun" not in line
        for url in (f"redis://:wrong{ENCODED}@{address}", f"redis://{address}"):
            with pytest.raises(StoreError, match="check the user name, password and permissions") as caught:
                await RedisStore(url).__aenter__()
            assert "hun" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{SECRET}@localhost",
        "redis://:hun/ter@localhost:6379/0",
        "redis://:hun#ter@localhost",
        "redis://:hun?ter@localhost",
        "redis://:hunter@localhost:port",
        "redis://:hunter@[localhost",
        "redis://:hunter@localhost/database",
        "redis://:hunter@localhost?socket_timeout=soon",
    ],
)
def test_a_url_that_cannot_be_read_is_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RedisStore(url)
    assert "hun" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
