"""Feishu's clock: it may run faster than real time and can be put forward; the deadlines of people cannot."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Clock:
    """`speed` 60 lets a minute of Feishu's time pass in a second; `advance` lets it pass at once."""

    speed: float = 1.0
    _ahead: float = field(default=0.0, init=False)
    _begun: float = field(default_factory=time.monotonic, init=False)
    _last: int = field(default=0, init=False)
    _sleepers: set[asyncio.Event] = field(default_factory=set[asyncio.Event], init=False)

    def now(self) -> float:
        """Feishu's seconds, for budgets, retries and lifetimes."""
        return (time.monotonic() - self._begun) * self.speed + self._ahead

    def advance(self, seconds: float) -> None:
        """Put the clock forward; who sleeps looks at it again."""
        self._ahead += seconds
        for sleeper in self._sleepers:
            sleeper.set()

    def wall(self) -> float:
        """Unix seconds as Feishu writes them: only `advance` puts them ahead of the real time."""
        return time.time() + self._ahead

    def stamp(self) -> int:
        """Unix milliseconds for a message: later than every one before."""
        self._last = max(self._last + 1, int(self.wall() * 1000))
        return self._last

    def real(self, seconds: float) -> float:
        """How long that many of Feishu's seconds are for a client."""
        return seconds / self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait that many of Feishu's seconds, or less when the clock is put forward."""
        until, sleeper = self.now() + seconds, asyncio.Event()
        self._sleepers.add(sleeper)
        try:
            while (left := until - self.now()) > 0:
                sleeper.clear()
                try:
                    async with asyncio.timeout(self.real(left)):
                        await sleeper.wait()
                except TimeoutError:
                    continue
        finally:
            self._sleepers.discard(sleeper)
