"""Discord's clock: budgets and lifetimes can run faster than real time, the deadlines of people cannot."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

EPOCH = 1_420_070_400_000
"""Milliseconds; the first second of 2015, when snowflakes begin."""


@dataclass(slots=True)
class Clock:
    """`speed` 60 lets a minute of Discord's time pass in a second."""

    speed: float = 1.0
    _last: int = field(default=0, init=False)

    def now(self) -> float:
        """Discord's seconds, for budgets and lifetimes."""
        return time.monotonic() * self.speed

    def real(self, seconds: float) -> float:
        """How long that many of Discord's seconds are for a client."""
        return seconds / self.speed

    def snowflake(self) -> str:
        """An id that no other thing has and that sorts by time."""
        self._last = max(self._last + 1, (int(time.time() * 1000) - EPOCH) << 22)
        return str(self._last)


def timestamp(snowflake: str) -> str:
    """When something was made, as Discord writes it."""
    return written(((int(snowflake) >> 22) + EPOCH) / 1000)


def written(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
