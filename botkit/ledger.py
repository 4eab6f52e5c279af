"""Writes usage records together, keeps the places of runs that are at work, and notes which keys were used."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from botkit.errors import StoreError
from botkit.keys import ApiKey, Begun, KeyLimits, Spent
from botkit.roles import Keys, Meter
from botkit.tasks import Tasks
from botkit.usage import UsageRecord

log = structlog.get_logger("botkit")

GATHER = 0.05
"""Seconds in which records come together, where nobody waits for them to be written."""
TOGETHER = 500
"""Most records of one write."""
WAITING = 100_000
"""Records that may wait for a store that does not answer; the oldest are dropped and said."""
AGAIN = 1.0
"""Seconds until a store that did not answer is tried again."""
SLOT = 60.0
"""Seconds after which the run of a process that died no longer counts."""
BEAT = 15.0
"""Seconds between two times that the runs at work are held and the last uses noted."""
GRACE = 0.1
"""Seconds in which a run that is just ending may make room for the next."""
CLOSE = 5.0
"""Seconds to write what is left when botkit stops."""


_UNLIMITED = Begun(Spent())


@dataclass(frozen=True, slots=True)
class _Waiting:
    record: UsageRecord
    written: asyncio.Future[None] | None


class Ledger:
    """What the requests of one process use. Entered before the first request, left after the last."""

    def __init__(
        self,
        meter: Meter,
        keys: Keys,
        used: Callable[[], Mapping[str, float]] = dict,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`used`: when keys were used since it was last asked, as `Keyring.used` says."""
        self._meter, self._keys, self._used, self._clock = meter, keys, used, clock
        self._waiting: deque[_Waiting] = deque()
        self._slots: set[tuple[str, str]] = set()
        self._news = asyncio.Event()
        self._hurry = asyncio.Event()
        self._closing = asyncio.Event()
        self._tasks = Tasks()

    async def begin(self, key: ApiKey, request: str, *, run: bool) -> Begun:
        """Count a request within the key's limits. Raises StoreError.

        `run`: within all of them, and it counts among its concurrent runs until `end`; else those of requests alone. A
        key without limits costs no round trip.
        """
        limits = key.limits if run else key.limits.of_requests
        if not limits.any:
            return _UNLIMITED
        slot = run and limits.concurrent_runs > 0
        answer = await self._ask(key.id, limits, request, slot=slot)
        if answer.refused == "concurrent_runs" and any(id == key.id for id, _ in self._slots):
            # A client that reads the end of a stream may be back before its run has given its place up.
            await asyncio.sleep(GRACE)
            answer = await self._ask(key.id, limits, request, slot=slot)
        if slot and answer.refused is None:
            self._slots.add((key.id, request))
        return answer

    async def pass_on(self, key: str, request: str, run: str) -> None:
        """The request is about to be answered; its place stays taken until the run is recorded."""
        if (key, request) not in self._slots:
            return
        try:
            passed = await self._meter.pass_on(key, request, run, self._clock() + SLOT)
        except StoreError as problem:
            # The run has begun: that it is not counted is better than to say that it has not.
            log.warning("run_not_counted", run=run, problem=str(problem))
            return
        self._slots.discard((key, request))
        if passed:
            self._slots.add((key, run))

    async def _ask(self, key: str, limits: KeyLimits, request: str, *, slot: bool) -> Begun:
        return await self._meter.begin(key, limits, request, self._clock(), slot=SLOT if slot else 0.0)

    async def end(self, record: UsageRecord) -> None:
        """Record a request. Waits only where its run had a place: the next one may begin as soon as this returns."""
        slot = (record.key, record.id) in self._slots
        written = asyncio.get_running_loop().create_future() if slot else None
        self._waiting.append(_Waiting(record, written))
        self._news.set()
        if written is not None:
            self._hurry.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(AGAIN):
                    await asyncio.shield(written)
            self._slots.discard((record.key, record.id))

    async def __aenter__(self) -> Ledger:
        self._tasks.start(self._write(), "usage")
        self._tasks.start(self._beat(), "usage-beat")
        return self

    async def __aexit__(self, *exc: object) -> None:
        """What is left is written, if the store answers within `CLOSE`."""
        self._closing.set()
        self._news.set()
        self._hurry.set()
        await self._tasks.drain(CLOSE)
        if self._waiting:
            log.error("usage_lost", records=len(self._waiting))

    async def _write(self) -> None:
        while self._waiting or not self._closing.is_set():
            await self._news.wait()
            await _passed(self._hurry, GATHER)
            if not self._closing.is_set():
                self._news.clear()
                self._hurry.clear()
            while self._waiting:
                await self._write_some()

    async def _write_some(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]
        try:
            await self._meter.end([waiting.record for waiting in batch])
        except StoreError as problem:
            log.warning("usage_not_written", records=len(batch), problem=str(problem))
            self._waiting.extendleft(reversed(batch))
            self._drop()
            await asyncio.sleep(AGAIN)  # it is down, and says nothing when it is back
            return
        for waiting in batch:
            self._slots.discard((waiting.record.key, waiting.record.id))
            if waiting.written is not None and not waiting.written.done():
                waiting.written.set_result(None)

    def _drop(self) -> None:
        lost = max(0, len(self._waiting) - WAITING)
        for _ in range(lost):
            self._waiting.popleft()
        if lost:
            log.error("usage_lost", records=lost)

    async def _beat(self) -> None:
        while not await _passed(self._closing, BEAT):
            await self._note_uses()
            await self._hold(list(self._slots))
        await self._note_uses()

    async def _hold(self, slots: Sequence[tuple[str, str]]) -> None:
        if slots:
            try:
                await self._meter.hold(slots, self._clock() + SLOT)
            except StoreError as problem:
                log.warning("runs_not_held", problem=str(problem))

    async def _note_uses(self) -> None:
        if used := self._used():
            try:
                await self._keys.touch(used)
            except StoreError as problem:
                log.warning("last_use_not_noted", problem=str(problem))


async def _passed(event: asyncio.Event, seconds: float) -> bool:
    """Whether it is set within that time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
