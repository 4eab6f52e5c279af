"""Slack's rate budgets: per method, workspace and app, and one message a second per channel.

https://docs.slack.dev/apis/web-api/rate-limits: tiers allow 1, 20, 50 and 100 calls a minute "and occasional bursts".
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from adapters.slack.testing.clock import Clock

TIERS = {1: 1, 2: 20, 3: 50, 4: 100}
POSTING = 0
"""The special tier of chat.postMessage."""
POST_BURST = 5
"""Messages a channel takes at once before one a second holds."""
POSTS_A_MINUTE = 300
"""What a whole workspace takes ("several hundred messages per minute")."""


@dataclass(slots=True)
class Window:
    """At most `limit` calls in any `seconds`."""

    limit: int
    seconds: float = 60.0
    taken: deque[float] = field(default_factory=deque[float])

    def wait(self, now: float) -> float:
        """Seconds until there is room, 0 if there is."""
        while self.taken and self.taken[0] <= now - self.seconds:
            self.taken.popleft()
        return 0.0 if len(self.taken) < self.limit else self.taken[0] + self.seconds - now

    def take(self, now: float) -> None:
        self.taken.append(now)


@dataclass(slots=True)
class Bucket:
    """A burst, refilled at one a second."""

    burst: float
    level: float = -1.0
    at: float = 0.0

    def wait(self, now: float) -> float:
        self.level = self.burst if self.level < 0 else min(self.burst, self.level + now - self.at)
        self.at = now
        return max(0.0, 1.0 - self.level)

    def take(self, now: float) -> None:
        self.level, self.at = self.level - 1.0, now


@dataclass(slots=True)
class Budgets:
    """Every budget there is. `refused` counts the calls that a client made too early."""

    clock: Clock
    enforced: bool = True
    refused: Counter[str] = field(default_factory=Counter[str])
    _held: dict[tuple[str, ...], Window | Bucket] = field(default_factory=dict[tuple[str, ...], Window | Bucket])

    def spend(self, app: str, method: str, tier: int, channel: str) -> int:
        """0 if the call may go on, else the real seconds for `Retry-After`."""
        now = self.clock.now()
        budgets = self._budgets(app, method, tier, channel)
        wait = max((budget.wait(now) for budget in budgets), default=0.0)
        if wait > 0 and self.enforced:
            self.refused[method] += 1
            return self.clock.retry_after(wait)
        for budget in budgets:
            budget.take(now)
        return 0

    def _budgets(self, app: str, method: str, tier: int, channel: str) -> list[Window | Bucket]:
        if tier == POSTING:
            return [
                self._held.setdefault((app, "post", channel), Bucket(POST_BURST)),
                self._held.setdefault((app, "post"), Window(POSTS_A_MINUTE)),
            ]
        if tier not in TIERS:
            return []
        limit = TIERS[tier]
        return [self._held.setdefault((app, method), Window(limit + max(1, limit // 10)))]
