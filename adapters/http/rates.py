"""The headers that tell a program how much of its key's limits is left. Named as OpenAI names them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from botkit.keys import KeyLimits, Spent
from botkit.stores.meter.windows import windows


def rate_headers(limits: KeyLimits, spent: Spent, now: float) -> Mapping[str, str]:
    """Of requests in the narrower of minute and day that is limited, and of the day's tokens."""
    if not limits.any:
        return {}
    at, headers = windows(now), dict[str, str]()
    if limits.requests_per_minute:
        headers |= _left("Requests", limits.requests_per_minute, spent.requests_minute, at.minute.ends - now)
    elif limits.requests_per_day:
        headers |= _left("Requests", limits.requests_per_day, spent.requests_day, at.day.ends - now)
    if limits.tokens_per_day:
        headers |= _left("Tokens", limits.tokens_per_day, spent.tokens_day, at.day.ends - now)
    return headers


def _left(what: str, limit: int, used: int, seconds: float) -> Mapping[str, str]:
    return {
        f"X-RateLimit-Limit-{what}": str(limit),
        f"X-RateLimit-Remaining-{what}": str(max(0, limit - used)),
        f"X-RateLimit-Reset-{what}": f"{math.ceil(seconds)}s",
    }
