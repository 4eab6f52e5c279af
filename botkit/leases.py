"""Keeps what this process owns: its journal entries, and the sessions whose live workers only it may have."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager, suppress
from uuid import uuid4
from weakref import WeakValueDictionary

import psutil
import structlog

from botkit.clock import STILL, TTL, Pulse, WallClock
from botkit.context import Context
from botkit.errors import StoreError
from botkit.events import Waiting
from botkit.lanes import Withdrawn
from botkit.model import Lease
from botkit.protocols import Runner, Store
from botkit.tasks import Tasks

log = structlog.get_logger("botkit")

ASKED = 3.0
"""Seconds another process has to give up a session that is idle there."""
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


class Leases:
    """The sessions this process holds: those it works at, and those that have a live worker here.

    One is given up as soon as its worker is gone, or another process wants it and it is idle.
    """

    def __init__(self, store: Store, runner: Runner, tasks: Tasks, owner: str) -> None:
        self._store, self._runner, self._tasks = store, runner, tasks
        self.owner = owner
        self.clock, self.pulse = WallClock(), Pulse()
        self._held: dict[str, Lease] = {}
        self._changed: set[str] = set()
        """Of those, the ones that were changed since their last turn."""
        self._beaten = time.monotonic()
        self._sure_until, self._pauses = 0.0, 0
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def hold(self, ctx: Context, session: str) -> AsyncGenerator[bool]:
        """Wait until the session is ours alone and keep it while inside. Raises StoreError, Withdrawn.

        True: it was somebody else's before, or nobody's, or it was changed: what was read of it earlier may be old.
        """
        lock = self._lock(session)
        if lock.locked():
            await ctx.push(Waiting(1))
        async with lock:
            changed = session in self._changed
            self._changed.discard(session)
            if session not in self._held or not self._sure:
                changed |= await self._take(session, await self._lease(ctx, _key(session)))
            yield changed

    @asynccontextmanager
    async def alone(self, session: str) -> AsyncGenerator[bool]:
        """Keep the session from all turns while inside, to change what is known of it. Raises StoreError.

        False: a turn is at it, here or in another process, which has been asked for it.
        """
        lock = self._lock(session)
        if lock.locked():
            yield False
            return
        async with lock:
            if session not in self._held or not self._sure:
                until = time.monotonic() + ASKED
                while (lease := await self._store.lease(_key(session), self.owner, self.clock.now(), ASKED)) is None:
                    if time.monotonic() > until:
                        yield False
                        return
                    await asyncio.sleep(BEAT / 4)
                await self._take(session, lease)
            self._changed.add(session)
            yield True

    async def _take(self, session: str, lease: Lease) -> bool:
        """It is ours. True: it was not until now."""
        held, self._held[session] = self._held.get(session), lease
        if held is not None and held.token != lease.token and not await self._runner.park(session):
            # Somebody else had it meanwhile (this process stood still too long): our worker's memory is stale.
            await self._let_go(session)
        return held is None or held.token != lease.token

    @property
    def _sure(self) -> bool:
        """The last beat was a moment ago: what is held cannot be anybody else's."""
        return time.monotonic() < self._sure_until and self._pauses == self.pulse.pauses

    async def take_if_free(self, session: str) -> bool:
        """Make the session ours without waiting for anybody, and without asking another process for it.

        False: a turn of ours is at it, or it is somebody else's. Raises StoreError.
        """
        lock = self._lock(session)
        if lock.locked():
            return False
        async with lock:
            lease = await self._store.lease(_key(session), self.owner, self.clock.now(), 0.0)
            held = self._held.get(session)
            if lease is None or (held is not None and held.token != lease.token):
                return False
            self._held[session] = lease
            return True

    async def _lease(self, ctx: Context, key: str) -> Lease:
        while (lease := await self._store.lease(key, self.owner, self.clock.now(), TTL)) is None:
            await ctx.push(Waiting(1))
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT / 2):
                    await ctx.stopping.wait()
                raise Withdrawn
        return lease

    async def beat(self) -> None:
        """Stay alive in the store, let go of what is lost, and give back what is not needed. Raises StoreError."""
        pauses, asked = self.pulse.pauses, time.monotonic()
        held = dict(self._held)
        found = await self._store.beat(self.owner, time.time(), TTL, list(held.values()))
        silence, self._beaten = asked - self._beaten, asked
        if silence > STILL:
            self.clock.skip(silence)
        lost = [each for each, lease in held.items() if lease.key in found.lost and self._held.get(each) is lease]
        for session in lost:
            del self._held[session]
        self._sure_until, self._pauses = asked + STILL, pauses
        for session in lost:
            await self._lost(session, silence)
        for key in found.wanted:
            session = key.removeprefix(_key(""))
            # Closing a worker takes longer than a beat may.
            if not self._lock(session).locked():
                self._tasks.start(self._hand_over(session), f"hand-over-{session}")
        for session in self._held.keys() - self._runner.live:
            if time.monotonic() > asked + BEAT:
                break  # the rest with the next beat: it must not wait for long
            if not self._lock(session).locked():
                async with self._lock(session):
                    await self._give_back(session)

    async def _lost(self, session: str, silence: float) -> None:
        """The store does not know us as the holder. What another has taken meanwhile is let go, also in mid-turn."""
        if silence < TTL:
            # Nobody had reason to take it: it was the store that forgot.
            lease = await self._store.lease(_key(session), self.owner, self.clock.now(), TTL)
            if lease is not None:
                self._held.setdefault(session, lease)
                return
        log.warning("session_lost", session=session)
        self._tasks.start(self._let_go(session), f"let-go-{session}")

    async def _let_go(self, session: str) -> None:
        await self._runner.stop(session)
        await self._runner.park(session)

    async def _hand_over(self, session: str) -> None:
        # Locked, so that no turn of ours begins between closing the worker and giving the lease away.
        async with self._lock(session):
            # If something runs in its background, whoever waits is told again by the next beat.
            if await self._runner.park(session):
                await self._give_back(session)
                # Who waits asks twice a beat, and goes before our own next turn.
                await asyncio.sleep(BEAT)

    async def _give_back(self, session: str) -> None:
        """Whatever becomes of it, it is no longer counted as held; if the store still does, others can ask for it."""
        lease = self._held.pop(session, None)
        self._changed.discard(session)  # whoever takes it next reads it anew anyway
        try:
            # Not held: the answer that it is ours was lost.
            lease = lease or await self._store.lease(_key(session), self.owner, self.clock.now(), 0.0)
            if lease is not None:
                await self._store.release(lease, self.owner)
        except StoreError as problem:
            log.warning("lease_not_released", session=session, problem=str(problem))

    def _lock(self, session: str) -> asyncio.Lock:
        lock = self._locks.get(session)
        if lock is None:
            lock = self._locks[session] = asyncio.Lock()
        return lock

    async def release(self) -> None:
        """Give everything back: sessions, and journal entries that were not finished, to whoever starts next."""
        self._held.clear()
        try:
            await self._store.beat(self.owner, time.time(), 0.0)
        except StoreError as problem:
            log.warning("leases_not_released", problem=str(problem))


def _key(session: str) -> str:
    return f"session/{session}"
