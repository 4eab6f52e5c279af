"""Keeps what this process owns: its journal entries, and the sessions whose live workers only it may have."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from uuid import uuid4
from weakref import WeakValueDictionary

import psutil
import structlog

from botkit.context import Context
from botkit.errors import StoreError
from botkit.events import Waiting
from botkit.lanes import Withdrawn
from botkit.model import Lease
from botkit.protocols import Runner, Store
from botkit.tasks import Tasks

log = structlog.get_logger("botkit")

TTL = 15.0
"""Seconds until what a silent process owns may be taken over."""
STEP = 2.0
"""Seconds by which a clock may drift or be corrected without notice."""
BEAT = 1.0
"""Seconds between two beats; also how soon another process is given a session it waits for."""


def owner() -> str:
    """This process: host, pid, when it started, and a random part."""
    return f"{socket.gethostname()}|{os.getpid()}|{psutil.Process().create_time():.2f}|{uuid4().hex[:8]}"


def gone(owners: Collection[str]) -> set[str]:
    """Those owners that were processes of this host and have ended: no need to wait for their leases."""
    return {name for name in owners if _ended(name)}


def _ended(name: str) -> bool:
    host, pid, started, *_ = (*name.split("|"), "", "", "")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" != started
    except psutil.NoSuchProcess:
        return True


class WallClock:
    """Unix seconds for leases. A clock that was set forward is not believed for as long as a lease holds.

    By then everybody who lives has said so by the new time. Before, whoever looks first would take the others for dead.
    """

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._steady = wall, steady
        self._apart = wall() - steady()
        self._steps: list[tuple[float, float]] = []
        """Until when, by the steady clock, a step is not believed, and its size."""

    def now(self) -> float:
        wall, steady = self._wall(), self._steady()
        step, self._apart = wall - steady - self._apart, wall - steady
        if step > STEP:
            self._steps.append((steady + TTL, step))
        self._steps = [(until, size) for until, size in self._steps if steady < until]
        return wall - sum(size for _, size in self._steps)


class Leases:
    """The sessions this process holds. A session is given up as soon as another process wants it and it is idle."""

    def __init__(self, store: Store, runner: Runner, tasks: Tasks, owner: str) -> None:
        self._store, self._runner, self._tasks, self._owner = store, runner, tasks, owner
        self._held: dict[str, Lease] = {}
        self._beaten = time.monotonic()
        self.clock = WallClock()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def hold(self, ctx: Context, session: str) -> AsyncGenerator[bool]:
        """Wait until the session is ours alone and keep it while inside. Raises StoreError, Withdrawn.

        True: it was somebody else's before, or nobody's, so what was read of it earlier may be old.
        """
        lock = self._lock(session)
        if lock.locked():
            await ctx.push(Waiting(1))
        async with lock:
            lease = await self._lease(ctx, _key(session))
            held = self._held.get(session)
            if held is not None and held.token != lease.token and not await self._runner.park(session):
                # Somebody else had it meanwhile (this process stood still too long): our worker's memory is stale.
                await self._runner.stop(session)
                await self._runner.park(session)
            self._held[session] = lease
            yield held is None or held.token != lease.token

    async def take_if_free(self, session: str) -> bool:
        """Make the session ours without waiting for anybody, and without asking another process for it.

        False: a turn of ours is at it, or it is somebody else's. Raises StoreError.
        """
        lock = self._lock(session)
        if lock.locked():
            return False
        async with lock:
            lease = await self._store.lease(_key(session), self._owner, self.clock.now(), 0.0)
            held = self._held.get(session)
            if lease is None or (held is not None and held.token != lease.token):
                return False
            self._held[session] = lease
            return True

    async def _lease(self, ctx: Context, key: str) -> Lease:
        while (lease := await self._store.lease(key, self._owner, self.clock.now(), TTL)) is None:
            await ctx.push(Waiting(1))
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT / 2):
                    await ctx.stopping.wait()
                raise Withdrawn
        return lease

    async def beat(self) -> None:
        """Stay alive in the store and hand over what others wait for. Raises StoreError."""
        wanted = await self._store.beat(self._owner, time.time(), TTL)
        silence, self._beaten = time.monotonic() - self._beaten, time.monotonic()
        if silence > TTL:
            await self._look_again()
        for key in wanted:
            session = key.removeprefix(_key(""))
            # Closing a worker takes longer than a beat may.
            if session in self._held and not self._lock(session).locked():
                self._tasks.start(self._hand_over(session), f"hand-over-{session}")

    async def _look_again(self) -> None:
        """This process stood still past its leases: what another has taken meanwhile is let go, also in mid-turn."""
        for session, held in list(self._held.items()):
            lease = await self._store.lease(_key(session), self._owner, self.clock.now(), TTL)
            if lease is not None and lease.token == held.token:
                continue
            log.warning("session_lost", session=session)
            if lease is None:
                del self._held[session]
            self._tasks.start(self._let_go(session), f"let-go-{session}")

    async def _let_go(self, session: str) -> None:
        await self._runner.stop(session)
        await self._runner.park(session)

    async def _hand_over(self, session: str) -> None:
        # Locked, so that no turn of ours begins between closing the worker and giving the lease away.
        async with self._lock(session):
            lease = self._held.get(session)
            if lease is None:
                return
            if not await self._runner.park(session):
                return  # something runs in its background; whoever waits is told again by the next beat
            try:
                await self._store.release(lease, self._owner)
            except StoreError as problem:
                log.warning("lease_not_released", session=session, problem=str(problem))
            else:
                del self._held[session]
                # Who waits asks twice a beat, and goes before our own next turn.
                await asyncio.sleep(BEAT)

    def _lock(self, session: str) -> asyncio.Lock:
        lock = self._locks.get(session)
        if lock is None:
            lock = self._locks[session] = asyncio.Lock()
        return lock

    async def release(self) -> None:
        """Give everything back: sessions, and journal entries that were not finished, to whoever starts next."""
        self._held.clear()
        try:
            await self._store.beat(self._owner, time.time(), 0.0)
        except StoreError as problem:
            log.warning("leases_not_released", problem=str(problem))


def _key(session: str) -> str:
    return f"session/{session}"
