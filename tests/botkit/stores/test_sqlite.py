"""The store in a file: what was promised is there after a restart, and a file that cannot be used says what to do."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from botkit.errors import StoreError
from botkit.protocols import Store
from botkit.stores.schema import MIGRATIONS, migrate
from botkit.stores.sqlite import SqliteStore
from botkit.testing.store_contract import StoreContract
from botkit.testing.store_keys import api_key
from botkit.testing.store_meter import ANY, record
from botkit.testing.store_runs import act, run
from botkit.testing.store_values import NOW, TTL, admission, limit, session


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with SqliteStore(tmp_path / "botkit.db") as store:
        yield store


@pytest.fixture
async def another_store(store: Store, tmp_path: Path) -> AsyncIterator[Store]:
    async with SqliteStore(tmp_path / "botkit.db") as store:
        yield store


class TestSqliteStore(StoreContract):
    pass


async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "botkit.db"
    async with SqliteStore(path) as store:
        await store.admit(admission("turn-1", limit()), "me")
        await store.admit(admission("turn-2"), "me")
        await store.bury("turn-2", "me", "gave up")
        await store.save_session(session())
        await store.set_mark("muted/x", "yes")
        token = await store.lease("thing", "me", NOW, TTL)
    async with SqliteStore(path) as store:
        assert (await store.admit(admission("turn-1"), "you")).repeat
        assert (await store.admit(admission("turn-3", limit()), "you")).refused is not None
        assert [letter.id for letter, _ in await store.dead()] == ["turn-2"]
        assert await store.session("helper/here") == session()
        assert await store.mark("muted/x") == "yes"
        assert await store.lease("thing", "you", NOW, TTL) is None
        assert [entry.id for entry in await store.take_over("helper", "you", ["me"], NOW)] == ["turn-1"]
        assert token is not None
        taken = await store.lease("thing", "you", NOW, TTL)
        assert taken is not None
        assert taken.token > token.token


async def test_what_a_killed_process_admitted_is_there(tmp_path: Path) -> None:
    path = tmp_path / "botkit.db"
    program = f"""
import asyncio, os, signal
from pathlib import Path
from botkit.stores.sqlite import SqliteStore
from botkit.testing.store_values import admission

async def main():
    store = await SqliteStore(Path({str(path)!r})).__aenter__()
    await asyncio.gather(*(store.admit(admission(f"turn-{{i:02}}"), "killed") for i in range(30)))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", program], timeout=20, check=False)
    assert done.returncode == -9
    async with SqliteStore(path) as store:
        found = await store.take_over("helper", "me", ["killed"], NOW)
    assert [entry.id for entry in found] == [f"turn-{i:02}" for i in range(30)]


async def test_a_message_whose_admission_nobody_waited_for_is_not_lost(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "botkit.db") as store:
        admitting = asyncio.create_task(store.admit(admission("turn-1", key="same"), "me"))
        await asyncio.sleep(0)
        admitting.cancel()
        await asyncio.wait([admitting], timeout=5)
        assert (await store.admit(admission("turn-2", key="same"), "me")).repeat
        assert [entry.id for entry in await store.take_over("helper", "me", [], NOW)] == ["turn-1"]
        assert not await store.take_over("helper", "me", [], NOW), "handed out once"


async def test_a_message_that_cannot_be_stored_does_not_spoil_the_others(tmp_path: Path) -> None:
    path = tmp_path / "botkit.db"
    async with SqliteStore(path) as store, SqliteStore(path) as another:
        await another.admit(admission("turn-1"), "me")
        answers = await asyncio.gather(
            store.admit(admission("turn-2"), "me"),
            store.admit(admission("turn-1", key="another message, but the id of the first's turn"), "me"),
            store.admit(admission("turn-3", key="half a character: \ud83d"), "me"),
            store.admit(admission("turn-4"), "me"),
            return_exceptions=True,
        )
        assert [isinstance(answer, StoreError) for answer in answers] == [False, True, True, False]
        found = await store.take_over("helper", "you", ["me"], NOW)
        assert [entry.id for entry in found] == ["turn-1", "turn-2", "turn-4"]


async def test_the_file_is_its_users_only(tmp_path: Path) -> None:
    path = tmp_path / "state" / "botkit.db"
    async with SqliteStore(path) as store:
        await store.set_mark("x", "y")
        modes = {name.name: stat.S_IMODE(name.stat().st_mode) for name in path.parent.iterdir()}
        assert set(modes.values()) == {0o600}, modes
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_a_backup_made_while_botkit_runs_is_a_store(tmp_path: Path) -> None:
    path, copy = tmp_path / "botkit.db", tmp_path / "backup.db"
    copy.write_bytes(b"an older backup")
    async with SqliteStore(path) as store:
        await store.save_session(session())
        await store.backup(copy)
        await store.set_mark("after", "the backup")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    async with SqliteStore(copy) as store:
        assert await store.session("helper/here") == session()
        assert await store.mark("after") is None
    assert _names(tmp_path) == ["backup.db", "botkit.db"], "nothing else is left"


async def test_a_backup_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "botkit.db") as store:
        with pytest.raises(StoreError, match="the backup could not be written"):
            await store.backup(tmp_path / "missing" / "backup.db")


async def test_a_file_of_a_newer_botkit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "botkit.db"
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(StoreError, match="written by a newer botkit") as caught:
        await SqliteStore(path).__aenter__()
    assert str(path) in str(caught.value)


def test_a_file_of_an_older_botkit_is_brought_up_to_date(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "botkit.db", isolation_level=None)
    migrate(connection)
    connection.execute("INSERT INTO mark VALUES ('kept', 'yes')")
    newer = [*MIGRATIONS, "ALTER TABLE mark ADD COLUMN note TEXT NOT NULL DEFAULT '';\nCREATE TABLE other (id TEXT)"]
    migrate(connection, newer)
    migrate(connection, newer)
    assert connection.execute("SELECT * FROM mark").fetchall() == [("kept", "yes", "")]
    assert connection.execute("PRAGMA user_version").fetchone() == (len(newer),)
    connection.close()


async def test_a_file_from_before_there_were_keys_goes_on_with_its_sessions(tmp_path: Path) -> None:
    path = tmp_path / "botkit.db"
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection, MIGRATIONS[:1])
    connection.execute("INSERT INTO mark VALUES ('kept', 'yes')")
    connection.close()
    for _ in range(2):
        async with SqliteStore(path) as store:
            assert await store.mark("kept") == "yes"
            await store.keys.put(api_key())
            await store.meter.end([record()])
            await store.runs.save(run())
            await store.acts.add(act())
            assert await store.keys.get("k1") == api_key()
            assert list(await store.meter.records(ANY)) == [record()]
            assert await store.runs.get("turn-1") == run()
            assert list(await store.acts.list()) == [act()]


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "botkit.db", isolation_level=None)
    migrate(connection)
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, [*MIGRATIONS, "CREATE TABLE other (id TEXT);\nCREATE TABLE mark (id TEXT)"])
    assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    assert not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'other'").fetchall()
    connection.close()


async def test_two_processes_that_create_the_file_at_once_both_work(tmp_path: Path) -> None:
    stores = [SqliteStore(tmp_path / "botkit.db") for _ in range(4)]
    async with asyncio.timeout(10):
        await asyncio.gather(*(store.__aenter__() for store in stores))
        await asyncio.gather(*(store.set_mark(f"mark-{i}", "yes") for i, store in enumerate(stores)))
        assert [await stores[0].mark(f"mark-{i}") for i in range(4)] == ["yes"] * 4
        await asyncio.gather(*(store.__aexit__() for store in stores))


async def test_a_damaged_file_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "botkit.db"
    path.write_bytes(b"this is no database at all, but it is long enough to look at" * 50)
    with pytest.raises(StoreError, match="put a backup in its place"):
        await SqliteStore(path).__aenter__()


async def test_a_place_that_cannot_be_written_says_what_to_check(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match="may write there"):
        await SqliteStore(tmp_path / "file" / "botkit.db").__aenter__()


async def test_a_full_disk_says_what_to_do_and_goes_on_when_there_is_space(tmp_path: Path) -> None:
    path = tmp_path / "botkit.db"
    async with SqliteStore(path) as store:
        await store.set_mark("x", "y")
        await _limit_pages(store)
        with pytest.raises(StoreError, match="the disk is full; free some space"):
            await store.set_mark("big", "x" * 10_000_000)
        assert await store.mark("x") == "y", "it still reads"
        await store.set_mark("x", None)
        assert await store.mark("x") is None, "and takes what fits"


async def test_a_file_that_another_program_holds_is_a_store_error_in_time(tmp_path: Path) -> None:
    path = tmp_path / "botkit.db"
    async with SqliteStore(path) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another program holds the file"):
            async with asyncio.timeout(4):
                await store.set_mark("x", "y")
        other.execute("COMMIT")
        other.close()
        await store.set_mark("x", "y")
        assert await store.mark("x") == "y"


async def test_a_store_that_is_not_open_says_so(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "botkit.db")
    with pytest.raises(StoreError, match="not open"):
        await store.mark("x")
    async with store:
        assert await store.mark("x") is None
    await store.__aexit__()
    with pytest.raises(StoreError, match="not open"):
        await store.mark("x")


async def test_an_entry_this_version_cannot_read_does_not_hold_up_the_others(tmp_path: Path) -> None:
    path = tmp_path / "botkit.db"
    async with SqliteStore(path) as store:
        for id in ("turn-1", "turn-2"):
            await store.admit(admission(id), "me")
        await store.save_session(session())
        other = sqlite3.connect(path)
        other.execute("UPDATE entry SET data = '{\"id\": 7}' WHERE id = 'turn-1'")
        other.execute("UPDATE session SET data = 'nothing'")
        other.commit()
        other.close()
        assert [entry.id for entry in await store.take_over("helper", "you", ["me"], NOW)] == ["turn-2"]
        assert await store.session("helper/here") is None


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def _limit_pages(store: SqliteStore) -> None:
    """As if the disk were full: SQLite answers a file at its page limit in the same way."""

    def limit_pages(connection: sqlite3.Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 4}")

    await store._db.read(limit_pages)  # pyright: ignore[reportPrivateUsage]  # nothing outside may set it
