"""What was used: a record for each request of a program, and how records are asked for and summed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

Dimension = Literal["key", "bot", "model", "endpoint", "status", "user", "day"]


class UsageRecord(msgspec.Struct, frozen=True):
    """One request of a program; an async one is recorded when its run has ended."""

    id: str
    """The id it began with (`Meter.begin`): a record of a known id is not counted again."""
    at: float
    """When it began, Unix seconds."""
    key: str
    """The key's id."""
    endpoint: str
    """Method and route: "POST /v1/chat/completions"."""
    bot: str = ""
    model: str = ""
    session: str = ""
    user: str = ""
    """The end user the program named, if it did."""
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost: float = 0.0
    """US dollars."""
    latency: float = 0.0
    """Seconds from its arrival to the end of its answer."""
    first_token: float = 0.0
    """Seconds to the first content; 0 when there was none."""
    status: int = 200
    """The answer's HTTP status."""
    error: str = ""
    """The code of the error the program was told, '' when there was none."""

    @property
    def ended(self) -> float:
        return self.at + self.latency

    @property
    def counted_tokens(self) -> int:
        """What `KeyLimits.tokens_per_day` counts."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """Which records: those that began in [since, until) and are equal in every field that is named; '' is any."""

    since: float = 0.0
    until: float = float("inf")
    by: tuple[Dimension, ...] = ()
    """One sum for each combination of these; a day is "2026-01-31", UTC. () is one sum of all."""
    key: str = ""
    bot: str = ""
    model: str = ""
    endpoint: str = ""
    user: str = ""
    status: int = 0


@dataclass(frozen=True, slots=True)
class UsageSum:
    """What all records of a group add up to."""

    group: tuple[str, ...]
    """The values of the query's `by`, in its order, as text."""
    requests: int = 0
    errors: int = 0
    """Those with an error or a status of 400 and above."""
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost: float = 0.0
    seconds: float = 0.0
    """The latencies, added up."""
    first_tokens: float = 0.0
    """The times to first content, added up, and ..."""
    answered: int = 0
    """... of how many requests."""
