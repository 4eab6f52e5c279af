"""Use of keys, counted in this process only."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from botkit.keys import Begun, KeyLimits, Spent
from botkit.roles import PAGE
from botkit.stores.meter.sums import Sums, matches
from botkit.stores.meter.windows import Window, begun, windows
from botkit.usage import UsageQuery, UsageRecord, UsageSum

MOST = 100_000
"""Records; the oldest are dropped, as nobody wants a process to grow for ever."""


@dataclass(slots=True)
class _Counter:
    ends: float
    requests: int = 0
    tokens: int = 0
    usd: float = 0.0


class MemoryMeter:
    """See `roles.Meter`."""

    def __init__(self) -> None:
        self._counters: dict[tuple[str, str], _Counter] = {}
        self._slots: dict[str, dict[str, float]] = {}
        self._records: OrderedDict[str, UsageRecord] = OrderedDict()

    async def begin(self, key: str, limits: KeyLimits, request: str, now: float, *, slot: float = 0.0) -> Begun:
        spent = await self.spent(key, now)
        if slot and request in self._slots.get(key, ()):
            return Begun(spent)
        answer = begun(limits, spent, now, slot=slot > 0)
        if answer.refused is None:
            at = windows(now)
            self._counter(key, at.minute).requests += 1
            self._counter(key, at.day).requests += 1
            if slot:
                self._slots.setdefault(key, {})[request] = now + slot
        return answer

    async def hold(self, slots: Sequence[tuple[str, str]], until: float) -> None:
        for key, request in slots:
            if request in self._slots.get(key, ()):
                self._slots[key][request] = until

    async def pass_on(self, key: str, request: str, to: str, until: float) -> bool:
        slots = self._slots.get(key, {})
        passed = slots.pop(request, None) is not None and to not in self._records
        if passed:
            slots[to] = until
        return passed

    async def end(self, records: Sequence[UsageRecord]) -> None:
        for record in records:
            if record.id in self._records:
                continue
            self._records[record.id] = record
            at = windows(record.ended)
            for window in (at.day, at.month):
                counter = self._counter(record.key, window)
                counter.tokens += record.counted_tokens
                counter.usd += record.cost
            self._slots.get(record.key, {}).pop(record.id, None)
        while len(self._records) > MOST:
            self._records.popitem(last=False)

    async def spent(self, key: str, now: float) -> Spent:
        at = windows(now)
        minute, day, month = (self._counters.get((key, window.name)) for window in (at.minute, at.day, at.month))
        held = {request: until for request, until in self._slots.get(key, {}).items() if until > now}
        self._slots[key] = held
        if not held:
            del self._slots[key]
        return Spent(
            requests_minute=minute.requests if minute else 0,
            requests_day=day.requests if day else 0,
            tokens_day=day.tokens if day else 0,
            usd_day=day.usd if day else 0.0,
            usd_month=month.usd if month else 0.0,
            runs=len(held),
        )

    async def sums(self, query: UsageQuery) -> Sequence[UsageSum]:
        sums = Sums(query.by)
        sums.add(record for record in self._records.values() if matches(record, query))
        return sums.all()

    async def records(
        self, query: UsageQuery, *, after: tuple[float, str] | None = None, most: int = PAGE
    ) -> Sequence[UsageRecord]:
        found = [record for record in self._records.values() if matches(record, query)]
        found.sort(key=lambda record: (record.at, record.id))
        return [record for record in found if after is None or (record.at, record.id) > after][:most]

    async def purge(self, before: float, now: float) -> int:
        old = [id for id, record in self._records.items() if record.at < before]
        for id in old:
            del self._records[id]
        self._counters = {name: counter for name, counter in self._counters.items() if counter.ends > now}
        return len(old)

    def _counter(self, key: str, window: Window) -> _Counter:
        return self._counters.setdefault((key, window.name), _Counter(window.ends))
