"""Keeps what a bot holds in the store, and takes up the turns of processes that ended without finishing them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from botkit.errors import StoreError
from botkit.leases import BEAT, Leases, gone
from botkit.model import Entry
from botkit.protocols import Store

log = structlog.get_logger("botkit")


class Recovery:
    """Inside the context it looks with every beat. `take_up` begins one entry again, or raises StoreError."""

    def __init__(
        self, bot: str, owner: str, store: Store, leases: Leases, take_up: Callable[[Entry], Awaitable[None]]
    ) -> None:
        self._bot, self._owner, self._store, self._leases = bot, owner, store, leases
        self._take_up = take_up
        self._taken: deque[Entry] = deque()
        """Taken over from another process, not yet started."""
        self.closing = False
        """The bot takes nothing more up; what it holds is kept all the same, until it is done."""
        self._ended = asyncio.Event()
        self._beating: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Recovery:
        """Raises StoreError: what cannot be looked at now might never be answered."""
        await self.look()
        self._beating = asyncio.create_task(self._beat(), name=f"beat-{self._bot}")
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._beating is not None:
            # Not cancelled: a call of the store that is cut may have been carried out all the same.
            self._ended.set()
            await asyncio.wait([self._beating])

    async def look(self) -> None:
        """Take up what there is to take up now. Raises StoreError."""
        if self.closing:
            return
        owners = [name for name in await self._store.owners() if name != self._owner]
        self._taken += await self._store.take_over(self._bot, self._owner, gone(owners), self._leases.clock.now())
        until = time.monotonic() + BEAT
        while self._taken and time.monotonic() < until:  # the rest after the next beat: it must not wait for long
            # What the store fails at now stays first in line for the next beat: nobody else will hear of it.
            await self._take_up(self._taken[0])
            self._taken.popleft()

    async def _beat(self) -> None:
        quiet = True
        while not await self._ends_within(BEAT):
            try:
                await self._leases.beat()
                await self.look()
                quiet = True
            except StoreError as problem:
                if quiet:
                    log.warning("store_silent", problem=str(problem))
                quiet = False
            except Exception:  # whoever stops beating is taken for dead
                log.exception("beat_failed")

    async def _ends_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self._ended.wait()
        return False
