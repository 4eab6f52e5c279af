"""One file behind one thread: what arrives together is written together, and nothing waits for ever."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from botkit.errors import StoreError
from botkit.stores.database import Database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "botkit.db", patience=0.3)
    await database.open()
    yield database
    await database.close()


class Disk:
    """Work that hangs until `returns` is set."""

    def __init__(self) -> None:
        self.returns = threading.Event()
        self._hangs = threading.Event()

    def work(self, connection: sqlite3.Connection) -> None:
        self._hangs.set()
        self.returns.wait(5)

    async def hangs(self) -> None:
        assert await asyncio.to_thread(self._hangs.wait, 5)


async def test_a_disk_that_hangs_is_an_error_in_time_and_the_work_is_done_all_the_same(database: Database) -> None:
    disk = Disk()
    hanging = asyncio.create_task(database.read(disk.work))
    await disk.hangs()
    with pytest.raises(StoreError, match="the disk did not answer in time"):
        await database.write(lambda connection: connection.execute("INSERT INTO mark VALUES ('x', 'y')").rowcount)
    disk.returns.set()
    await asyncio.wait([hanging], timeout=5)
    assert isinstance(hanging.exception(), StoreError)
    assert await database.read(_marks) == 1


async def test_work_piles_up_to_a_bound(tmp_path: Path) -> None:
    database, disk = Database(tmp_path / "botkit.db", waiting=3), Disk()
    await database.open()
    async with asyncio.timeout(5):
        hanging = asyncio.create_task(database.read(disk.work))
        await disk.hangs()
        waiting = asyncio.gather(*(database.read(_marks) for _ in range(10)), return_exceptions=True)
        await asyncio.sleep(0)
        disk.returns.set()
        refused = [result for result in await waiting if isinstance(result, StoreError)]
        await hanging
    assert len(refused) == 7
    assert "the disk does not keep up" in str(refused[0])
    await database.close()


async def test_what_arrives_together_is_committed_together(tmp_path: Path) -> None:
    database, disk = Database(tmp_path / "botkit.db"), Disk()
    await database.open()
    async with asyncio.timeout(5):
        hanging = asyncio.create_task(database.read(disk.work))
        await disk.hangs()
        writing = asyncio.gather(*(database.write(_wrote) for _ in range(20)))
        await asyncio.sleep(0)
        disk.returns.set()
        assert len(set(await writing)) == 1, "none was committed before another had been done"
        await hanging
    await database.close()


async def test_a_mistake_in_one_piece_of_work_does_not_stop_the_store(database: Database) -> None:
    def mistake(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO mark VALUES ('half', 'done')")
        return {"a": 1}["b"]

    with pytest.raises(StoreError, match="the store failed"):
        await database.write(mistake)
    assert await database.read(_marks) == 0


async def test_a_file_that_could_not_be_opened_in_time_can_be_opened_later(tmp_path: Path) -> None:
    """The thread that waited in vain ends without taking any of the work that comes then."""
    path, before = tmp_path / "botkit.db", set(threading.enumerate())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        database = Database(path, patience=0.5)
        with pytest.raises(StoreError, match="the disk did not answer in time"):
            await database.open()
        (waits,) = set(threading.enumerate()) - before
        other.execute("ROLLBACK")
    await database.open()
    await asyncio.to_thread(waits.join, 5)
    assert not waits.is_alive()
    assert await database.write(_wrote) > 0
    await database.close()


async def test_what_was_asked_for_is_done_before_the_file_closes(tmp_path: Path) -> None:
    database = Database(tmp_path / "botkit.db")
    await database.open()
    writing = asyncio.create_task(
        database.write(lambda connection: connection.execute("INSERT INTO mark VALUES ('x', 'y')").rowcount)
    )
    await asyncio.sleep(0)
    await database.close()
    await database.close()
    assert await writing == 1


def _marks(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM mark").fetchone()[0])


def _wrote(connection: sqlite3.Connection) -> int:
    """Write, and tell the bytes of the log of committed changes so far."""
    connection.execute("INSERT OR REPLACE INTO mark VALUES (random(), 'y')")
    (_, _, path) = connection.execute("PRAGMA database_list").fetchone()
    return Path(f"{path}-wal").stat().st_size
