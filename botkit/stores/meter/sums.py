"""Adds usage records up, for stores that cannot. Pure; the SQLite store does the same in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from botkit.usage import Dimension, UsageQuery, UsageRecord, UsageSum


def matches(record: UsageRecord, query: UsageQuery) -> bool:
    """Whether it is one of those asked for."""
    if not query.since <= record.at < query.until:
        return False
    wanted = (query.key, query.bot, query.model, query.endpoint, query.user, query.status)
    found = (record.key, record.bot, record.model, record.endpoint, record.user, record.status)
    return all(not want or want == have for want, have in zip(wanted, found, strict=True))


class Sums:
    """Sums that grow with each record, so that records need not be held."""

    def __init__(self, by: tuple[Dimension, ...]) -> None:
        self._by = by
        self._sums: dict[tuple[str, ...], UsageSum] = {}

    def add(self, records: Iterable[UsageRecord]) -> None:
        for record in records:
            group = tuple(_value(record, dimension) for dimension in self._by)
            self._sums[group] = _plus(self._sums.get(group, UsageSum(group)), record)

    def all(self) -> Sequence[UsageSum]:
        """In the order of their groups."""
        return [self._sums[group] for group in sorted(self._sums)]


def _value(record: UsageRecord, dimension: Dimension) -> str:
    if dimension == "day":
        return f"{datetime.fromtimestamp(record.at, UTC):%Y-%m-%d}"
    return str(getattr(record, dimension))


def _plus(total: UsageSum, record: UsageRecord) -> UsageSum:
    return UsageSum(
        group=total.group,
        requests=total.requests + 1,
        errors=total.errors + (record.error != "" or record.status >= 400),
        input_tokens=total.input_tokens + record.input_tokens,
        output_tokens=total.output_tokens + record.output_tokens,
        cache_read_tokens=total.cache_read_tokens + record.cache_read_tokens,
        cache_write_tokens=total.cache_write_tokens + record.cache_write_tokens,
        cost=total.cost + record.cost,
        seconds=total.seconds + record.latency,
        first_tokens=total.first_tokens + record.first_token,
        answered=total.answered + (record.first_token > 0),
    )
