"""The journal entries this process knows it holds, to find those it was given without ever hearing of it.

An answer of the store may be lost after the store has done what it was asked to: an admission that timed out is in
the journal all the same, and its redelivery counts as a repeat. Such an entry is ours but unknown, so the next
`take_over` hands it out and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from botkit.errors import StoreError
from botkit.model import Entry, Session
from botkit.stores.codec import entry_from, session_from

log = structlog.get_logger("botkit")


class Known:
    """Ids of entries that were handed to this process, or are just being asked for."""

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def add(self, id: str) -> bool:
        """False: it was known already."""
        before = len(self._ids)
        self._ids.add(id)
        return len(self._ids) > before

    def note(self, id: str, *, ours: bool) -> None:
        """What the store said of an entry that this process worked at."""
        (self._ids.add if ours else self._ids.discard)(id)

    def discard(self, *ids: str) -> None:
        self._ids.difference_update(ids)

    def claim(self, held: Iterable[tuple[str, bool]]) -> list[str]:
        """Of (id, was it ours before), those to hand out: new ones, and ours that nobody here has heard of."""
        ids = [id for id, mine in held if not (mine and id in self._ids)]
        self._ids.update(ids)
        return ids


def readable(rows: Iterable[bytes]) -> list[Entry]:
    """The entries that this version can read; the others stay in the journal for the version that wrote them."""
    found: list[Entry] = []
    for data in rows:
        try:
            found.append(entry_from(data))
        except StoreError as problem:
            log.error("entry_unreadable", problem=str(problem))
    return found


def readable_session(data: bytes | None, conversation: str) -> Session | None:
    """The session, or None when there is none or this version cannot read it: then a new one begins."""
    if data is None:
        return None
    try:
        return session_from(data, conversation)
    except StoreError as problem:
        log.error("session_unreadable", problem=str(problem))
        return None
