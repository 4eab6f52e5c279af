"""What Discord's rate-limit headers say, kept for each route and channel: how long to wait before the next call. Pure.

https://docs.discord.com/developers/topics/rate-limits: limits are never to be written into code, only read.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

GUESS = 5.0
"""Seconds to wait after a 429 that does not say how long."""
REMEMBERED = 2000
"""Buckets; the least recently heard of are forgotten."""


@dataclass(frozen=True, slots=True)
class Route:
    """A call as limits count it: the method and path without ids, and the channel, guild or webhook they are for."""

    method: str
    template: str
    major: str


@dataclass(slots=True)
class Bucket:
    limit: int
    remaining: int
    resets_at: float
    """By the caller's clock, in seconds."""


class Buckets:
    """Every bucket heard of. `now` is the caller's clock, in seconds."""

    def __init__(self) -> None:
        self._hashes: dict[tuple[str, str], str] = {}
        self._buckets: OrderedDict[tuple[str, str], Bucket] = OrderedDict()
        self._stopped: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._all_stopped = 0.0

    def wait(self, route: Route, now: float, *, urgent: bool) -> float:
        """Seconds until this call may go. What is not urgent leaves one call for what is, where there are several."""
        stopped = max(self._all_stopped, self._stopped.get(self._key(route), 0.0))
        bucket = self._buckets.get(self._key(route))
        if bucket is None or bucket.resets_at <= now:
            return max(0.0, stopped - now)
        reserve = 0 if urgent or bucket.limit < 2 else 1
        until = stopped if bucket.remaining > reserve else max(stopped, bucket.resets_at)
        return max(0.0, until - now)

    def going(self, route: Route) -> None:
        """A call goes out: until its answer says better, one fewer is left."""
        bucket = self._buckets.get(self._key(route))
        if bucket is not None:
            bucket.remaining -= 1

    def heard(self, route: Route, headers: Mapping[str, str], now: float) -> None:
        """Read an answer's headers."""
        hash = headers.get("X-RateLimit-Bucket", "")
        if hash:
            self._hashes[route.method, route.template] = hash
        limit, remaining = _number(headers, "X-RateLimit-Limit"), _number(headers, "X-RateLimit-Remaining")
        after = _number(headers, "X-RateLimit-Reset-After")
        if limit is None or remaining is None or after is None:
            return
        key = self._key(route)
        self._buckets[key] = Bucket(int(limit), int(remaining), now + after)
        self._buckets.move_to_end(key)
        while len(self._buckets) > REMEMBERED:
            self._buckets.popitem(last=False)

    def limited(self, route: Route, retry_after: float, now: float, *, everywhere: bool) -> None:
        """Discord said 429."""
        if everywhere:
            self._all_stopped = max(self._all_stopped, now + retry_after)
            return
        key = self._key(route)
        self._stopped[key] = now + retry_after
        self._stopped.move_to_end(key)
        while len(self._stopped) > REMEMBERED:
            self._stopped.popitem(last=False)

    def _key(self, route: Route) -> tuple[str, str]:
        return self._hashes.get((route.method, route.template), f"{route.method} {route.template}"), route.major


def _number(headers: Mapping[str, str], name: str) -> float | None:
    try:
        return float(headers[name])
    except (KeyError, ValueError):
        return None
