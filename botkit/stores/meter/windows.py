"""Minutes, days and months in which a key's use is counted, and what its limits say to it. Pure.

Redis decides in its script, which gets the same numbers in the same order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from botkit.keys import Begun, KeyLimits, LimitName, Spent

MINUTE, DAY = 60.0, 86_400.0
BUSY = 1.0
"""Seconds after which a key with all its runs at work may try again: nobody knows when one ends."""

ORDER: tuple[LimitName, ...] = (
    "requests_per_minute",
    "requests_per_day",
    "tokens_per_day",
    "usd_per_day",
    "usd_per_month",
    "concurrent_runs",
)
"""As the fields of `KeyLimits` and of `Spent`; the first that is reached refuses."""

allowances: Callable[[KeyLimits], tuple[float, ...]] = attrgetter(*ORDER)
"""The limits in `ORDER`."""
_spent: Callable[[Spent], tuple[Any, ...]] = attrgetter(*(field.name for field in fields(Spent)))


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the calendar. `kept`: seconds for which its counter is worth keeping at least."""

    name: str
    ends: float
    kept: int


@dataclass(frozen=True, slots=True)
class Windows:
    """Those a moment lies in."""

    minute: Window
    day: Window
    month: Window

    def ends(self, limit: LimitName) -> float:
        match limit:
            case "requests_per_minute":
                return self.minute.ends
            case "usd_per_month":
                return self.month.ends
            case _:
                return self.day.ends


def windows(now: float) -> Windows:
    return _windows(int(now // MINUTE))


@lru_cache(maxsize=16)
def _windows(minute: int) -> Windows:
    day = int(minute * MINUTE // DAY)
    date = datetime.fromtimestamp(day * DAY, UTC)
    following = date.replace(year=date.year + date.month // 12, month=date.month % 12 + 1, day=1)
    return Windows(
        Window(f"minute-{minute}", (minute + 1) * MINUTE, 120),
        Window(f"{date:%Y-%m-%d}", (day + 1) * DAY, 2 * 86_400),
        Window(f"{date:%Y-%m}", following.timestamp(), 62 * 86_400),
    )


def begun(limits: KeyLimits, spent: Spent, now: float, *, slot: bool) -> Begun:
    """Count one more request, with a run if it wants a slot; or say which limit is reached."""
    for name, allowed, used in zip(ORDER, allowances(limits), _spent(spent), strict=True):
        if allowed and used >= allowed and (slot or name != "concurrent_runs"):
            return refused(name, spent, now)
    minute, day, tokens, usd_day, usd_month, runs = _spent(spent)
    return Begun(Spent(minute + 1, day + 1, tokens, usd_day, usd_month, runs + slot))


def refused(limit: LimitName, spent: Spent, now: float) -> Begun:
    wait = BUSY if limit == "concurrent_runs" else windows(now).ends(limit) - now
    return Begun(spent, limit, wait)
