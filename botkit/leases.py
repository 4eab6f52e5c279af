"""Keeps what this process owns: its journal entries, and the sessions whose live workers only it may have."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Collection
from uuid import uuid4

import psutil
import structlog

from botkit.context import Context
from botkit.errors import StoreError
from botkit.events import Waiting
from botkit.model import Lease
from botkit.protocols import Runner, Store

log = structlog.get_logger("botkit")

TTL = 15.0
"""Seconds until what a silent process owns may be taken over."""
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
    """The sessions this process holds. A session is given up as soon as another process wants it and it is idle."""

    def __init__(self, store: Store, runner: Runner, owner: str) -> None:
        self._store, self._runner, self._owner = store, runner, owner
        self._held: dict[str, Lease] = {}
        self._busy: dict[str, int] = {}

    async def hold(self, ctx: Context, session: str) -> None:
        """Wait until the session is ours and keep it while a turn runs. Raises StoreError."""
        self._busy[session] = self._busy.get(session, 0) + 1
        key = f"session/{session}"
        try:
            while (lease := await self._store.lease(key, self._owner, time.time(), TTL)) is None:
                await ctx.push(Waiting(1))
                await asyncio.sleep(BEAT / 2)
            held = self._held.get(key)
            if held is not None and held.token != lease.token:
                # Somebody else had it meanwhile (this process stood still too long): our worker's memory is stale.
                await self._runner.park(session)
            self._held[key] = lease
        except BaseException:
            self.done(session)
            raise

    def done(self, session: str) -> None:
        """The turn is over. The lease stays, as the worker does, until somebody else wants it."""
        self._busy[session] -= 1
        if not self._busy[session]:
            del self._busy[session]

    async def beat(self) -> None:
        """Stay alive in the store and hand over what others wait for. Raises StoreError."""
        for key in await self._store.beat(self._owner, time.time(), TTL):
            session = key.removeprefix("session/")
            if session not in self._busy and key in self._held:
                await self._runner.park(session)
                await self._store.release(self._held.pop(key), self._owner)

    async def release(self) -> None:
        """Give everything back: sessions, and journal entries that were not finished, to whoever starts next."""
        self._held.clear()
        try:
            await self._store.beat(self._owner, time.time(), 0.0)
        except StoreError as problem:
            log.warning("leases_not_released", problem=str(problem))
