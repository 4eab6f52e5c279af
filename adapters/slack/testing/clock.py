"""Slack's clock: budgets, retries and lifetimes can run faster than real time, deadlines of people cannot."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Clock:
    """`speed` 60 lets a minute of Slack's rate budget pass in a second."""

    speed: float = 1.0
    skipped: float = 0.0
    """Seconds that never were: a test that has no time for five minutes adds them here."""
    _last: int = field(default=0, init=False)

    def now(self) -> float:
        """Slack's seconds, for budgets and lifetimes."""
        return time.monotonic() * self.speed + self.skipped

    async def sleep(self, seconds: float) -> None:
        """Wait that many of Slack's seconds."""
        await asyncio.sleep(seconds / self.speed)

    def retry_after(self, seconds: float) -> int:
        """Real seconds a client has to wait, whole and at least one, as the header demands."""
        return max(1, math.ceil(seconds / self.speed))

    def ts(self) -> str:
        """A message timestamp that no other message has and that sorts by time."""
        self._last = max(self._last + 1, int(time.time() * 1_000_000))
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"
