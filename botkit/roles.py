"""What a store remembers for programs that use bots over HTTP: keys, what they used, their runs, and who changed keys.

Four roles beside those of `protocols.Store`, each its own object with methods that are one round trip and happen
wholly or not at all. Times are given by the caller (Unix seconds), so that no store looks at a clock of its own.
All raise `StoreError`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from botkit.keys import Act, ApiKey, Begun, KeyLimits, Spent
from botkit.runs import Repeatable, Run
from botkit.usage import UsageQuery, UsageRecord, UsageSum

PAGE = 100
"""Most rows of a page, unless asked for otherwise."""


class Keys(Protocol):
    """API keys and the numbers that may be used once."""

    async def get(self, id: str) -> ApiKey | None: ...

    async def put(self, key: ApiKey) -> bool:
        """Write a key whose revision follows the stored one's (1: there is none yet). False: it does not, try again.

        `last_used` is not written.
        """
        ...

    async def delete(self, id: str) -> bool:
        """False: there is none. What it used stays."""
        ...

    async def list(self, *, owner: str = "", after: str = "", most: int = PAGE) -> Sequence[ApiKey]:
        """In the order of their ids, which is that of their creation; those that follow the id `after`."""
        ...

    async def touch(self, used: Mapping[str, float]) -> None:
        """Note when keys were last used; an earlier time and an unknown id change nothing."""
        ...

    async def use_nonce(self, key: str, nonce: str, now: float, until: float) -> bool:
        """True once: nobody has used this nonce of the key before, and until `until` nobody can again."""
        ...

    async def purge(self, now: float) -> int:
        """Forget nonces that ran out; returns how many rows went."""
        ...


class Meter(Protocol):
    """How much each key uses, and has used."""

    async def begin(self, key: str, limits: KeyLimits, request: str, now: float, *, slot: float = 0.0) -> Begun:
        """Check all limits and count the request, or refuse it and count nothing.

        With `slot` it also takes one of the key's concurrent runs until it ends, or until `now + slot` if nobody
        holds it longer: a process that died frees it. A request that has its slot already is not counted again.
        """
        ...

    async def hold(self, slots: Sequence[tuple[str, str]], until: float) -> None:
        """Keep the slots of these (key, request) that are still taken."""
        ...

    async def pass_on(self, key: str, request: str, to: str, until: float) -> bool:
        """Let another request (a run that goes on alone) have the place of this one, held until then.

        False: this one has none, or the other has been recorded already; then the place is free.
        """
        ...

    async def end(self, records: Sequence[UsageRecord]) -> None:
        """Write records, add their tokens and cost to the day and month they ended in, and free their slots.

        A record whose id is known changes nothing, so a lost answer may simply be followed by another try.
        """
        ...

    async def spent(self, key: str, now: float) -> Spent:
        """What the limits count now."""
        ...

    async def sums(self, query: UsageQuery) -> Sequence[UsageSum]:
        """In the order of their groups; nothing for no records."""
        ...

    async def records(
        self, query: UsageQuery, *, after: tuple[float, str] | None = None, most: int = PAGE
    ) -> Sequence[UsageRecord]:
        """By (at, id), oldest first; those that follow `after`. The query's `by` is not looked at."""
        ...

    async def purge(self, before: float, now: float) -> int:
        """Forget records of requests that began before, and counters of days that are over; returns how many records
        went."""
        ...


class Runs(Protocol):
    """Async runs, and requests that may be sent twice."""

    async def save(self, run: Run) -> None:
        """Write it. A run that has ended stays as it ended."""
        ...

    async def get(self, id: str) -> Run | None: ...

    async def list(self, key: str, *, before: tuple[float, str] | None = None, most: int = PAGE) -> Sequence[Run]:
        """A key's runs, newest first; those that precede `before`, the (created, id) of a run."""
        ...

    async def claim(self, request: Repeatable) -> Repeatable | None:
        """None: it is the first of its key and name, and is now known. Otherwise the earlier one, not yet expired."""
        ...

    async def answer(self, request: Repeatable) -> None:
        """Replace what is known of it, when it has been answered."""
        ...

    async def forget(self, key: str, name: str) -> None:
        """It was not carried out: it may be sent again as if for the first time."""
        ...

    async def purge(self, before: float, now: float) -> int:
        """Forget runs created before, and requests expired by now; returns how many."""
        ...


class Acts(Protocol):
    """The audit log."""

    async def add(self, act: Act) -> None: ...

    async def list(
        self, *, who: str = "", target: str = "", before: tuple[float, str] | None = None, most: int = PAGE
    ) -> Sequence[Act]:
        """Newest first; those that precede `before`, the (at, id) of an act."""
        ...

    async def purge(self, before: float) -> int:
        """Forget acts before that time; returns how many."""
        ...


class Programs(Protocol):
    """The four roles, as a store offers them."""

    @property
    def keys(self) -> Keys: ...

    @property
    def meter(self) -> Meter: ...

    @property
    def runs(self) -> Runs: ...

    @property
    def acts(self) -> Acts: ...
