"""One SQLite file behind one thread. Work that arrives together is committed together, with one write to the disk."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
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


@dataclass(frozen=True, slots=True)
class _Job:
    """Work for the thread. A durable one is on the disk before it counts as done; the others survive a killed
    process but not a power cut."""

    work: Callable[[sqlite3.Connection], Any]
    writes: bool
    durable: bool
    done: Future[Any] = field(default_factory=Future[Any])


class Database:
    """Runs functions on the file, in order, each wholly or not at all. What was asked for is done even if nobody
    waits for it any more."""

    def __init__(self, path: Path, *, patience: float = DEADLINE + BUSY / 1000, waiting: int = WAITING) -> None:
        self.path = path
        self._patience = patience
        self._waiting = waiting
        self._jobs: deque[_Job] = deque()
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None
        self._durable = True

    async def open(self) -> None:
        """Open or create the file, readable by this user only, and migrate it. Raises StoreError."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="botkit-sqlite")
        try:
            await self._within(asyncio.get_running_loop().run_in_executor(self._thread, self._connect))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Finish what was asked for and close the file. May be called twice."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        try:
            await self._within(asyncio.get_running_loop().run_in_executor(thread, self._disconnect))
        finally:
            thread.shutdown(wait=False)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        result: T = await self._run(_Job(work, writes=False, durable=False))
        return result

    async def write(self, work: Callable[[sqlite3.Connection], T], *, durable: bool = True) -> T:
        result: T = await self._run(_Job(work, writes=True, durable=durable))
        return result

    async def _run(self, job: _Job) -> Any:
        if self._thread is None:
            raise StoreError(f"{self.path}: the store is not open")
        if len(self._jobs) >= self._waiting:
            raise StoreError(f"{self.path}: the disk does not keep up")
        self._jobs.append(job)
        self._thread.submit(self._work)
        return await self._within(asyncio.wrap_future(job.done))

    async def _within(self, future: asyncio.Future[T]) -> T:
        try:
            async with asyncio.timeout(self._patience):
                # Shielded: the thread goes on in any case, and a cancelled job would be done all the same.
                return await asyncio.shield(future)
        except TimeoutError:
            future.add_done_callback(_forget)
            raise StoreError(f"{self.path}: the disk did not answer in time") from None
        except asyncio.CancelledError:
            future.add_done_callback(_forget)
            raise
        except (sqlite3.Error, OSError, ValueError, OverflowError) as problem:
            raise StoreError(f"{self.path}: {_advice(problem)} ({problem})") from problem

    def _work(self) -> None:
        """In the thread: everything that waits, in one transaction."""
        jobs = [self._jobs.popleft() for _ in range(min(len(self._jobs), TOGETHER))]
        if not jobs:
            return
        try:
            self._commit(jobs)
        finally:
            for job in jobs:
                if not job.done.done():
                    job.done.set_exception(StoreError(f"{self.path}: the store failed"))

    def _commit(self, jobs: list[_Job]) -> None:
        connection = self._opened()
        results: list[tuple[_Job, Any]] = []
        try:
            self._be_durable(connection, durable=any(job.durable for job in jobs))
            connection.execute("BEGIN IMMEDIATE" if any(job.writes for job in jobs) else "BEGIN")
            for job in jobs:
                self._one(connection, job, results)
            connection.execute("COMMIT")
        except sqlite3.Error as problem:
            for job in jobs:
                if not job.done.done():
                    job.done.set_exception(problem)
        else:
            for job, result in results:
                job.done.set_result(result)
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def _one(self, connection: sqlite3.Connection, job: _Job, results: list[tuple[_Job, Any]]) -> None:
        """One job; what goes wrong in it leaves no trace and does not touch the others."""
        connection.execute("SAVEPOINT job")
        try:
            result = job.work(connection)
        except (sqlite3.Error, ValueError, OverflowError) as problem:
            if not connection.in_transaction:
                # A full disk ends the whole transaction.
                raise
            connection.execute("ROLLBACK TO job")
            job.done.set_exception(problem)
        else:
            results.append((job, result))
        connection.execute("RELEASE job")

    def _be_durable(self, connection: sqlite3.Connection, *, durable: bool) -> None:
        if durable != self._durable:
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError(f"{self.path}: the store is not open")
        return self._connection

    def _connect(self) -> None:
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
        self._connection = connection

    def _disconnect(self) -> None:
        while self._jobs:
            self._work()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


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


def _forget(future: asyncio.Future[Any]) -> None:
    """Look at the result nobody waits for, so that asyncio does not report it."""
    if not future.cancelled():
        future.exception()


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
