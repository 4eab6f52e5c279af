"""One SQLite file behind one thread. Work that arrives together is committed together, with one write to the disk."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from botkit.errors import StoreError
from botkit.stores.rules import DEADLINE
from botkit.stores.schema import migrate

T = TypeVar("T")

BUSY = 2_000
"""Milliseconds to wait for another process that is writing to the file."""
TOGETHER = 200
"""Most jobs of one commit."""
WAITING = 10_000
"""Jobs that may wait for a disk that hangs; more are refused at once."""


@dataclass(slots=True, eq=False)
class _Job:
    """Work for the thread. A durable one is on the disk before it counts as done; the others survive a killed
    process but not a power cut."""

    work: Callable[[sqlite3.Connection], Any]
    writes: bool
    durable: bool
    done: asyncio.Future[Any]
    result: Any = None
    problem: Exception | None = None


class Database:
    """Runs functions on the file, in order, each wholly or not at all. What was asked for is done even if nobody
    waits for it any more."""

    def __init__(self, path: Path, *, patience: float = DEADLINE + BUSY / 1000, waiting: int = WAITING) -> None:
        self.path = path
        self._patience = patience
        self._waiting = waiting
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._ended: asyncio.Future[None] | None = None
        self._durable = True

    async def open(self) -> None:
        """Open or create the file, readable by this user only, and migrate it. Raises StoreError."""
        loop = asyncio.get_running_loop()
        self._jobs, self._ended = SimpleQueue(), loop.create_future()
        opening = _Job(lambda _: None, writes=False, durable=False, done=loop.create_future())
        # A daemon: a disk that hangs must not keep the process from ending.
        args = (loop, self._jobs, opening, self._ended)
        Thread(target=self._serve, args=args, name="botkit-sqlite", daemon=True).start()
        try:
            await self._within(opening.done)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Finish what was asked for and close the file. May be called twice."""
        ended, self._ended = self._ended, None
        if ended is not None:
            self._jobs.put(None)
            await self._within(ended)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        result: T = await self._run(work, writes=False, durable=False)
        return result

    async def write(self, work: Callable[[sqlite3.Connection], T], *, durable: bool = True) -> T:
        result: T = await self._run(work, writes=True, durable=durable)
        return result

    async def _run(self, work: Callable[[sqlite3.Connection], Any], *, writes: bool, durable: bool) -> Any:
        if self._ended is None or self._ended.done():
            raise StoreError(f"{self.path}: the store is not open")
        if self._jobs.qsize() >= self._waiting:
            raise StoreError(f"{self.path}: the disk does not keep up")
        job = _Job(work, writes, durable, asyncio.get_running_loop().create_future())
        self._jobs.put(job)
        return await self._within(job.done)

    async def _within(self, future: asyncio.Future[T]) -> T:
        try:
            async with asyncio.timeout(self._patience):
                return await future
        except TimeoutError:
            raise StoreError(f"{self.path}: the disk did not answer in time") from None
        except StoreError:
            raise
        except Exception as problem:
            raise StoreError(f"{self.path}: {_advice(problem)} ({problem})") from problem

    def _serve(
        self,
        loop: asyncio.AbstractEventLoop,
        asked: SimpleQueue[_Job | None],
        opening: _Job,
        ended: asyncio.Future[None],
    ) -> None:
        """The thread. Its queue is its own: one that hung while the file was opened must not work when it is opened
        again."""
        try:
            connection = self._connect()
        except Exception as problem:
            opening.problem = problem
        else:
            _tell(loop, [opening])
            with closing(connection):
                while jobs := _next(asked):
                    self._commit(connection, jobs)
                    _tell(loop, jobs)
        finally:
            _tell(loop, [opening, _Job(opening.work, writes=False, durable=False, done=ended)])

    def _commit(self, connection: sqlite3.Connection, jobs: list[_Job]) -> None:
        """All of it in one transaction."""
        try:
            self._be_durable(connection, durable=any(job.durable for job in jobs))
            connection.execute("BEGIN IMMEDIATE" if any(job.writes for job in jobs) else "BEGIN")
            for job in jobs:
                _one(connection, job)
            connection.execute("COMMIT")
        except Exception as problem:
            for job in jobs:
                job.problem = job.problem or problem
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def _be_durable(self, connection: sqlite3.Connection, *, durable: bool) -> None:
        if durable != self._durable:
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        create(self.path)
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=BUSY / 1000)
        try:
            _use_wal(connection)
            connection.execute("PRAGMA synchronous = FULL")
            migrate(connection)
        except StoreError as problem:
            connection.close()
            raise StoreError(f"{self.path}: {problem}") from None
        except BaseException:
            connection.close()
            raise
        return connection


def _next(asked: SimpleQueue[_Job | None]) -> list[_Job]:
    """Wait for work: all that is there, [] when the file is to be closed."""
    jobs = [asked.get()]
    with suppress(Empty):
        while jobs[-1] is not None and len(jobs) < TOGETHER:
            jobs.append(asked.get_nowait())
    if jobs[-1] is None and len(jobs) > 1:
        asked.put(None)  # what came before is done first
    return [job for job in jobs if job is not None]


def _one(connection: sqlite3.Connection, job: _Job) -> None:
    """One piece of work; what goes wrong in it leaves no trace and does not touch the others."""
    if job.writes:
        connection.execute("SAVEPOINT job")
    try:
        job.result = job.work(connection)
    except Exception as problem:
        if not connection.in_transaction:
            # A full disk ends the whole transaction.
            raise
        job.problem = problem
        if job.writes:
            connection.execute("ROLLBACK TO job")
    if job.writes:
        connection.execute("RELEASE job")


def _tell(loop: asyncio.AbstractEventLoop, jobs: list[_Job]) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody waits
        loop.call_soon_threadsafe(_told, jobs)


def _told(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.done.done():  # whoever waited has given up
            continue
        if job.problem is not None:
            job.done.set_exception(job.problem)
        else:
            job.done.set_result(job.result)


def create(path: Path) -> None:
    """Make sure that the file exists; a new one is its user's only."""
    # An existing file is not opened: closing it would drop the locks that SQLite has on it in this process
    # (POSIX locks; https://sqlite.org/howtocorrupt.html, 2.2).
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _use_wal(connection: sqlite3.Connection) -> None:
    """SQLite does not wait for the lock here, unlike everywhere else: two processes that create the file meet."""
    until = time.monotonic() + BUSY / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _advice(problem: Exception) -> str:
    if isinstance(problem, OSError):
        return "the store's file cannot be used; check that botkit may write there"
    match getattr(problem, "sqlite_errorcode", 0) & 0xFF:  # the rest of the code only refines it
        case sqlite3.SQLITE_FULL:
            return "the disk is full; free some space"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return "the store's file cannot be written; check its permissions and its folder's"
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return "the file is damaged or no database; move it away and put a backup in its place"
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return "another program holds the file; close it"
        case sqlite3.SQLITE_IOERR:
            return "the disk failed or is full; check it"
        case _:
            return "the store failed"
