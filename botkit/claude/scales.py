"""Weighs the live workers, not more often than it must: asking the system takes longer the more there are."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from botkit.claude import reap
from botkit.claude.worker import Worker

TYPICAL = 230
"""Resident megabytes of one worker, for the room a new one needs."""
WEIGH = 0.5
"""Seconds for which what they weigh counts as known."""
MEGABYTE = 1024 * 1024
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where Linux says how much memory a container may use, in bytes or as `max` (cgroups version 2 and 1)."""


class Scales:
    """Whether the machine can bear one more. `memory`: megabytes for all; 0 is half of the machine or container."""

    def __init__(self, memory: int, limits: Sequence[Path] = LIMITS) -> None:
        self._memory = (memory * MEGABYTE) or _there_is(limits) // 2
        self._weight, self._weighed, self._until = 0, 0, 0.0
        """Bytes that so many workers held when they were weighed last, and how long that is good enough."""
        self._too_much = False
        """One that was weighed has gone."""

    def bear(self, live: Collection[Worker], promised: int) -> bool:
        """Room for another beside the live ones and those that are promised a place; always for the first."""
        now = asyncio.get_running_loop().time()
        if now < self._until and (self._fits(live, promised) or not self._too_much):
            return self._fits(live, promised)
        self._weight, self._weighed = reap.resident([worker.pid for worker in live]), len(live)
        self._until, self._too_much = now + WEIGH, False
        return self._fits(live, promised)

    def again(self) -> None:
        """One is gone: what was known is too much, which matters only where there seems to be no room."""
        self._too_much = True

    def _fits(self, live: Collection[Worker], promised: int) -> bool:
        unweighed = max(0, len(live) - self._weighed) + promised + 1
        first = not live and not promised
        return first or self._weight + unweighed * TYPICAL * MEGABYTE <= self._memory


def _there_is(limits: Sequence[Path]) -> int:
    """Bytes of memory: the machine's, or the container's where that has less."""
    found = [psutil.virtual_memory().total]
    for path in limits:
        with suppress(OSError, ValueError):  # not there, or `max`
            found.append(int(path.read_text()))
    return min(found)
