"""Proves the tokens that programs show; each key is remembered for a moment, so that the store is asked rarely."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from botkit.errors import BotkitError
from botkit.keys import ApiKey
from botkit.roles import Keys
from botkit.tokens import parse_token, proves

FRESH = 1.0
"""Seconds a key is believed. With the time a store has to answer, a key that was taken away is of no use after 5 s."""
MOST = 10_000
"""Keys remembered at once; the least recently used go."""

Reason = Literal["unknown", "suspended", "expired"]


class KeyRefused(BotkitError):
    """A token that opens nothing. Only who proved it learns that its key is suspended or expired."""

    def __init__(self, reason: Reason) -> None:
        self.reason: Reason = reason
        super().__init__("there is no such key" if reason == "unknown" else f"this key is {reason}")


@dataclass(slots=True)
class _Known:
    key: ApiKey
    at: float


class Keyring:
    """The keys of a store, for one process."""

    def __init__(self, keys: Keys, *, clock: Callable[[], float] = time.time) -> None:
        self._keys, self._clock = keys, clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._used: dict[str, float] = {}

    async def prove(self, text: str) -> ApiKey:
        """The active key of a token. Raises KeyRefused, StoreError."""
        token, now = parse_token(text), self._clock()
        if token is None:
            raise KeyRefused("unknown")
        key = await self._find(token.id, now)
        if not proves(token, key, now) or key is None:
            raise KeyRefused("unknown")
        _refuse_inactive(key, now)
        self._used[key.id] = now
        return key

    async def still(self, id: str) -> ApiKey:
        """The active key with this id, which was proved before. Raises KeyRefused, StoreError."""
        now = self._clock()
        key = await self._find(id, now)
        if key is None:
            raise KeyRefused("unknown")
        _refuse_inactive(key, now)
        return key

    def knows(self, text: str) -> bool:
        """Whether a token names a key that was found here before: to look it up costs next to nothing."""
        token = parse_token(text)
        return token is not None and token.id in self._known

    def used(self) -> Mapping[str, float]:
        """When keys were used since this was last asked."""
        used, self._used = self._used, {}
        return used

    async def _find(self, id: str, now: float) -> ApiKey | None:
        known = self._known.get(id)
        if known is not None and abs(now - known.at) < FRESH:
            self._known.move_to_end(id)
            return known.key
        if known is not None:
            known.at = now  # whoever comes meanwhile need not ask, too
        try:
            key = await self._keys.get(id)
        except BaseException:
            self._known.pop(id, None)
            raise
        if key is None:
            # Not remembered: an unknown id costs whoever tries ids a limited number of failures, not us our memory.
            self._known.pop(id, None)
            return None
        self._known[id] = _Known(key, now)
        self._known.move_to_end(id)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return key


def _refuse_inactive(key: ApiKey, now: float) -> None:
    status = key.status(now)
    if status != "active":
        raise KeyRefused(status)
