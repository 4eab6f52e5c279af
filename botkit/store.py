"""What remembers: the journal, sessions, marks and leases, and with them what `roles` says of programs.

Small roles, so that another backend knows all it must do; `botkit.testing.store_contract` checks that it does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from botkit.model import Admission, Admitted, Entry, Lease, Session
from botkit.roles import Programs


class Beat(NamedTuple):
    """What an owner is told when it says that it lives."""

    wanted: Collection[str]
    """Keys of its leases that others wait for."""
    lost: Collection[str]
    """Keys of leases it believed to have that are not, or no longer, its own."""


class Journal(Protocol):
    """The accepted, unfinished turns. An entry belongs to the process (`owner`) that keeps its lease alive."""

    async def admit(self, admission: Admission, owner: str) -> Admitted:
        """Decide and remember one message, atomically and in one round trip.

        In this order: seen before → repeat; a limit without a token → refused (nothing taken from the others);
        otherwise take the tokens, write the entry as `owner`'s (unless its message is not kept), and return the
        conversation's session.
        Both a refusal and an admission make the next admission with this key a repeat, and save the run.
        """
        ...

    async def entries(self, ids: Collection[str]) -> Sequence[Entry]:
        """Those of these that are in the journal, in any order."""
        ...

    async def update(self, entry: Entry, owner: str, session: Session | None = None) -> bool:
        """Replace an entry (and save the session with it). False: `owner` has no such entry, and nothing is written."""
        ...

    async def settle(self, entry: str, owner: str) -> None:
        """The final reply is delivered: drop the entry, if `owner` has it. May be called twice."""
        ...

    async def bury(self, entry: str, owner: str, why: str) -> None:
        """Move an entry to the dead letters, if `owner` has it: given up after too many attempts."""
        ...

    async def dead(self) -> Sequence[tuple[Entry, str]]:
        """The dead letters, oldest first."""
        ...

    async def take_over(self, bot: str, owner: str, gone: Collection[str], now: float) -> Sequence[Entry]:
        """Make `owner` the holder of every entry whose lease ran out or whose owner is `gone`; oldest first.

        Two processes that call this at once never get the same entry. The leases of those that are `gone` are free.
        An entry of `owner` itself that it never heard of, because the answer of the store was lost, is among them.
        """
        ...

    async def owners(self) -> Collection[str]:
        """All owners that hold entries or leases."""
        ...

    async def beat(self, owner: str, now: float, ttl: float, leases: Collection[Lease] = ()) -> Beat:
        """Keep the owner's entries and leases until `now + ttl`, whatever held before (0 gives all of them up at once).

        `leases` are those it believes to have.
        """
        ...


class Sessions(Protocol):
    """What is known of Claude's sessions."""

    async def session(self, conversation: str) -> Session | None:
        """The session bound to a conversation (its key with the bot's name before it)."""
        ...

    async def find_session(self, id: str) -> Session | None: ...

    async def save_session(self, session: Session) -> None:
        """Write it. With a `conversation`, it becomes that conversation's session and any other there is unbound."""
        ...

    async def new_session(self, session: Session) -> bool:
        """Write one that is new. False: its conversation has a session, and nothing is written."""
        ...

    async def list_sessions(
        self, bot: str, *, owner: str = "", since: float = 0.0, before: tuple[float, str] | None = None
    ) -> Sequence[Session]:
        """Newest use first, at most 100; those that follow `before`, the (used, id) of a session."""
        ...


class Marks(Protocol):
    """Small facts that outlive a process: muted threads, the last message seen, settings of a conversation."""

    async def mark(self, key: str) -> str | None: ...

    async def set_mark(self, key: str, value: str | None) -> None:
        """None forgets it."""
        ...

    async def change_mark(self, key: str, old: str | None, new: str) -> bool:
        """Set a mark that still is `old`, None for none. False: it is not, and nothing is set."""
        ...


class Leases(Protocol):
    """At most one process uses a thing at a time."""

    async def lease(self, key: str, owner: str, now: float, ttl: float) -> Lease | None:
        """Take or keep the lease; None while another owner holds it.

        Who holds it is told by `beat` that it is wanted, for `ttl` seconds; 0 asks for nothing.
        """
        ...

    async def release(self, lease: Lease, owner: str) -> None:
        """Give it back; nothing happens if it is no longer ours."""
        ...


class Store(Journal, Sessions, Marks, Leases, Programs, Protocol):
    """Everything that remembers, in one place, so that one round trip can touch it all. All raise `StoreError`."""

    async def purge(self, *, seen: float, sessions: float) -> int:
        """Forget repeats, dead letters and idle buckets older than `seen`, unbound or bound sessions unused since
        `sessions` (Unix seconds); returns how many rows went."""
        ...

    async def check(self) -> str:
        """One line on what it is and that it answers, for `botkit doctor`."""
        ...

    async def __aenter__(self) -> Store: ...

    async def __aexit__(self, *exc: object) -> None: ...
