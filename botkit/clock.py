"""Time as leases count it, and whether this process was there all the while."""

from __future__ import annotations

import time
from collections.abc import Callable

TTL = 15.0
"""Seconds until what a silent process owns may be taken over."""
STEP = 2.0
"""Seconds by which a clock may drift or be corrected without notice."""
STILL = 5.0
"""Seconds without a sign of life after which a process makes sure that what it holds is still its own."""


class WallClock:
    """Unix seconds for leases. Time in which nobody could be heard is not believed for as long as a lease holds.

    By then everybody who lives has said so. Before, whoever looks first would take the others for dead: because a clock
    was set forward, or because the store or this process itself stood still.
    """

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._steady = wall, steady
        self._apart = wall() - steady()
        self._skipped: list[tuple[float, float]] = []
        """Until when, by the steady clock, so many seconds are not believed."""

    def now(self) -> float:
        wall, steady = self._wall(), self._steady()
        step, self._apart = wall - steady - self._apart, wall - steady
        if step > STEP:
            self.skip(step)
        self._skipped = [(until, size) for until, size in self._skipped if steady < until]
        return wall - sum(size for _, size in self._skipped)

    def skip(self, seconds: float) -> None:
        """Nobody was heard for so long."""
        self._skipped.append((self._steady() + TTL, seconds))


class Pulse:
    """Notices that this process stood still (stopped, or its machine was) for so long that others may think it dead.

    Somebody has to feel it all the time: reading `pauses` does.
    """

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._steady = wall, steady
        self._last = wall(), steady()
        self._pauses = 0

    @property
    def pauses(self) -> int:
        """How often it did."""
        now = self._wall(), self._steady()
        # Of a machine that was suspended only the wall clock knows.
        if max(now[0] - self._last[0], now[1] - self._last[1]) > STILL:
            self._pauses += 1
        self._last = now
        return self._pauses
