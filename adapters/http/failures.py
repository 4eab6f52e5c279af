"""Counts those who show wrong keys, so that trying keys costs them time and us nothing."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from adapters.http.client import group
from adapters.http.errors import HttpError

MINUTE = 60.0
MOST = 10_000
"""Addresses remembered; those that failed longest ago are forgotten first."""


class Failures:
    """Failures by client address, in this process. Each address may fail `allowed` times a minute."""

    def __init__(self, allowed: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._allowed, self._clock = float(allowed), clock
        self._failed: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """How many failures still count, and when that was so; one is forgiven every `MINUTE / allowed`."""

    def wait(self, address: str) -> float:
        """Seconds until this address may fail again; 0: it may now."""
        if not self._failed:
            return 0.0
        over = self._count(group(address)) - self._allowed + 1.0
        return max(0.0, over * MINUTE / self._allowed)

    def note(self, address: str, problem: HttpError) -> HttpError:
        """Count a failure; what the client is told: the problem, or that there were too many."""
        wait, name = self.wait(address), group(address)
        if wait:
            return HttpError(429, "too_many_failures", "too many wrong keys from this address", retry_after=wait)
        self._failed[name] = self._count(name) + 1.0, self._clock()
        self._failed.move_to_end(name)
        if len(self._failed) > MOST:
            self._failed.popitem(last=False)
        return problem

    def _count(self, name: str) -> float:
        count, at = self._failed.get(name, (0.0, 0.0))
        return max(0.0, count - (self._clock() - at) * self._allowed / MINUTE)
