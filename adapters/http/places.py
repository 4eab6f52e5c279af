"""How much may be open at once, of one key and of all together: who comes then is told to come again."""

from __future__ import annotations

from adapters.http.errors import HttpError

RETRY = 1.0
"""Seconds after which a caller who found no place may come again; a guess."""


class Places:
    """Of one process. Plain counting: it stands in the way of every request."""

    __slots__ = ("_most", "_most_per_key", "_taken", "_total", "_what")

    def __init__(self, what: str, most: int, most_per_key: int) -> None:
        """`what`: whose places they are, as callers are told: "requests"."""
        self._what, self._most, self._most_per_key = what, most, most_per_key
        self._taken: dict[str, int] = {}
        """By key; only those that have any."""
        self._total = 0

    def take(self, key: str) -> None:
        """Until `give_back`. Raises HttpError 429 where there is no place left."""
        mine = self._taken.get(key, 0)
        if self._total >= self._most:
            raise self._full(f"the gateway has all the {self._what} it can")
        if mine >= self._most_per_key:
            raise self._full(f"this API key has too many {self._what}")
        self._taken[key] = mine + 1
        self._total += 1

    def give_back(self, key: str) -> None:
        self._total -= 1
        self._taken[key] -= 1
        if not self._taken[key]:
            del self._taken[key]

    def _full(self, said: str) -> HttpError:
        return HttpError(429, f"too_many_{self._what.replace(' ', '_')}", said, retry_after=RETRY)
