"""Token buckets: who may go on now, and when the others may try again. Pure.

Redis works this out in its admission script, with the same arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from botkit.model import Limit

SLACK = 1e-9
"""What is missing from a whole token when it was refilled in fractions."""
SLOWEST = 1e-12
"""Tokens a second of a bucket that is never refilled, so that its waiting time is still a number."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """What was left at a time (Unix seconds)."""

    tokens: float
    at: float


@dataclass(frozen=True, slots=True)
class Taken:
    """The buckets after all limits gave a token, or the first limit that had none and the seconds until it has."""

    buckets: Mapping[str, Bucket]
    refused: Limit | None = None
    retry_after: float = 0.0


def take(limits: Sequence[Limit], buckets: Mapping[str, Bucket], now: float) -> Taken:
    """Take a token from every limit, or none from any."""
    after: dict[str, Bucket] = {}
    for limit in limits:
        tokens = level(limit, buckets.get(limit.key), now)
        if tokens < 1.0 - SLACK:
            return Taken({}, limit, (1.0 - tokens) / max(limit.per_second, SLOWEST))
        after[limit.key] = Bucket(max(tokens - 1.0, 0.0), now)
    return Taken(after)


def level(limit: Limit, bucket: Bucket | None, now: float) -> float:
    """Tokens in the bucket now: full when it is new, never more than `burst`, never fewer by a clock that went back."""
    if bucket is None:
        return limit.burst
    return min(limit.burst, bucket.tokens + max(0.0, now - bucket.at) * limit.per_second)
