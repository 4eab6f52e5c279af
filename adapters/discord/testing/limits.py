"""Discord's rate limits: a bucket per route and top-level id, fifty requests a second in all.

https://docs.discord.com/developers/topics/rate-limits. The numbers are not documented ("should not be hard coded"):
these are what communities measured, and clients read them from the headers.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections import Counter
from dataclasses import dataclass, field

from adapters.discord.testing.clock import Clock

GLOBAL = (50, 1.0)


@dataclass(slots=True)
class Window:
    """`limit` requests, counted from the first one until `seconds` later."""

    limit: int
    seconds: float
    began: float = -math.inf
    used: int = 0

    def left(self, now: float) -> float:
        """Seconds until it starts anew."""
        return max(0.0, self.began + self.seconds - now)

    def full(self, now: float) -> bool:
        return self.left(now) > 0 and self.used >= self.limit

    def take(self, now: float) -> None:
        if self.left(now) <= 0:
            self.began, self.used = now, 0
        self.used += 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may go on, and the headers that say how much is left."""

    headers: dict[str, str]
    wait: float = 0.0
    """Real seconds; 0 if it may."""
    everywhere: bool = False


@dataclass(slots=True)
class Budgets:
    """Every bucket there is. `refused` counts, per route, the requests that came too early."""

    clock: Clock
    enforced: bool = True
    refused: Counter[str] = field(default_factory=Counter[str])
    _buckets: dict[tuple[str, ...], Window] = field(default_factory=dict[tuple[str, ...], Window])

    def spend(self, app: str, route: str, bucket: tuple[int, float] | None, major: str, *, counted: bool) -> Verdict:
        """Take one request; `counted` ones also count against the fifty a second."""
        now = self.clock.now()
        overall = self._buckets.setdefault((app,), Window(*GLOBAL))
        if counted and self.enforced and overall.full(now):
            self.refused[route] += 1
            wait = self.clock.real(overall.left(now))
            return Verdict({"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}, wait, everywhere=True)
        if bucket is None:
            overall.take(now) if counted else None
            return Verdict({})
        window = self._buckets.setdefault((app, route, major), Window(*bucket))
        if self.enforced and window.full(now):
            self.refused[route] += 1
            wait = self.clock.real(window.left(now))
            return Verdict(self._headers(route, window, now) | {"X-RateLimit-Scope": "user"}, wait)
        window.take(now)
        if counted:
            overall.take(now)
        return Verdict(self._headers(route, window, now) if self.enforced else {})

    def _headers(self, route: str, window: Window, now: float) -> dict[str, str]:
        after = self.clock.real(window.left(now))
        return {
            "X-RateLimit-Limit": str(window.limit),
            "X-RateLimit-Remaining": str(max(0, window.limit - window.used)),
            "X-RateLimit-Reset": f"{time.time() + after:.3f}",
            "X-RateLimit-Reset-After": f"{after:.3f}",
            "X-RateLimit-Bucket": hashlib.md5(route.encode(), usedforsecurity=False).hexdigest(),
        }
