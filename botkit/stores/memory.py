"""Remembers in this process only: for tests, and to try botkit out. A restart forgets everything.

The shortest way to see what a store does; the other two do the same in SQL and in Lua.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from botkit.model import Admission, Admitted, Entry, Lease, Session
from botkit.store import Beat
from botkit.stores.acts.memory import MemoryActs
from botkit.stores.buckets import Bucket, take
from botkit.stores.codec import entry_bytes, entry_from
from botkit.stores.keys.memory import MemoryKeys
from botkit.stores.meter.memory import MemoryMeter
from botkit.stores.rules import GRACE, LISTED
from botkit.stores.runs.memory import MemoryRuns


@dataclass(frozen=True, slots=True)
class _Held:
    """A lease: who has it, and until when somebody else waits for it."""

    owner: str
    token: int
    wanted: float = 0.0


class MemoryStore:
    """The `memory://` store. Everything an owner holds lives as long as the owner does."""

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}
        self._buckets: dict[str, Bucket] = {}
        self._entries: dict[str, tuple[Entry, str]] = {}
        self._dead: dict[str, tuple[Entry, str]] = {}
        self._sessions: dict[str, Session] = {}
        self._bound: dict[str, str] = {}
        self._marks: dict[str, str] = {}
        self._leases: dict[str, _Held] = {}
        self._alive: dict[str, float] = {}
        self._token = 0
        self.keys = MemoryKeys()
        self.meter = MemoryMeter()
        self.runs = MemoryRuns()
        self.acts = MemoryActs()

    async def admit(self, admission: Admission, owner: str) -> Admitted:
        if admission.key in self._seen:
            return Admitted(repeat=True)
        self._seen[admission.key] = admission.now
        if admission.run is not None:
            await self.runs.save(admission.run)
        taken = take(admission.limits, self._buckets, admission.now)
        if taken.refused is not None:
            return Admitted(refused=taken.refused, retry_after=taken.retry_after)
        self._buckets.update(taken.buckets)
        if admission.entry.message.kept:
            self._entries[admission.entry.id] = _kept(admission.entry), owner
            self._lives(owner, admission.now + GRACE)
        return Admitted(session=await self.session(admission.entry.conversation))

    async def entries(self, ids: Collection[str]) -> Sequence[Entry]:
        return [self._entries[id][0] for id in ids if id in self._entries]

    async def update(self, entry: Entry, owner: str, session: Session | None = None) -> bool:
        if not self._has(entry.id, owner):
            return False
        self._entries[entry.id] = _kept(entry), owner
        if session is not None:
            self._save(session)
        return True

    async def settle(self, entry: str, owner: str) -> None:
        if self._has(entry, owner):
            del self._entries[entry]

    async def bury(self, entry: str, owner: str, why: str) -> None:
        if self._has(entry, owner):
            self._dead[entry] = self._entries.pop(entry)[0], why

    async def dead(self) -> Sequence[tuple[Entry, str]]:
        return sorted(self._dead.values(), key=lambda letter: (letter[0].accepted, letter[0].id))

    async def take_over(self, bot: str, owner: str, gone: Collection[str], now: float) -> Sequence[Entry]:
        lost = set(gone) - {owner}
        for name in lost:
            self._alive.pop(name, None)
        self._leases = {key: held for key, held in self._leases.items() if held.owner not in lost}
        taken = [
            entry
            for entry, holder in self._entries.values()
            if entry.bot == bot and holder != owner and not self._is_alive(holder, now)
        ]
        for entry in taken:
            self._entries[entry.id] = entry, owner
        if taken:
            self._lives(owner, now + GRACE)
        return sorted(taken, key=lambda entry: (entry.accepted, entry.id))

    async def owners(self) -> Collection[str]:
        return {holder for _, holder in self._entries.values()} | {held.owner for held in self._leases.values()}

    async def beat(self, owner: str, now: float, ttl: float, leases: Collection[Lease] = ()) -> Beat:
        self._alive[owner] = now + ttl
        mine = {key: held for key, held in self._leases.items() if held.owner == owner}
        wanted = {key for key, held in mine.items() if held.wanted > now}
        return Beat(wanted, {each.key for each in leases if each.key not in mine or mine[each.key].token != each.token})

    async def session(self, conversation: str) -> Session | None:
        return self._sessions.get(self._bound.get(conversation, ""))

    async def find_session(self, id: str) -> Session | None:
        return self._sessions.get(id)

    async def save_session(self, session: Session) -> None:
        self._save(session)

    async def new_session(self, session: Session) -> bool:
        if session.conversation in self._bound:
            return False
        self._save(session)
        return True

    async def list_sessions(
        self, bot: str, *, owner: str = "", since: float = 0.0, before: tuple[float, str] | None = None
    ) -> Sequence[Session]:
        found = [
            session
            for session in self._sessions.values()
            if session.bot == bot and session.used >= since and (not owner or session.owner == owner)
            if before is None or (session.used, session.id) < before
        ]
        return sorted(found, key=lambda session: (session.used, session.id), reverse=True)[:LISTED]

    async def mark(self, key: str) -> str | None:
        return self._marks.get(key)

    async def set_mark(self, key: str, value: str | None) -> None:
        if value is None:
            self._marks.pop(key, None)
        else:
            self._marks[key] = value

    async def change_mark(self, key: str, old: str | None, new: str) -> bool:
        if self._marks.get(key) != old:
            return False
        self._marks[key] = new
        return True

    async def lease(self, key: str, owner: str, now: float, ttl: float) -> Lease | None:
        held = self._leases.get(key)
        if held is not None and held.owner != owner and self._is_alive(held.owner, now):
            self._leases[key] = replace(held, wanted=max(held.wanted, now + ttl))
            return None
        if held is None or held.owner != owner:
            self._token += 1
            held = self._leases[key] = _Held(owner, self._token)
        self._lives(owner, now + ttl)
        return Lease(key, held.token)

    async def release(self, lease: Lease, owner: str) -> None:
        held = self._leases.get(lease.key)
        if held is not None and held.owner == owner and held.token == lease.token:
            del self._leases[lease.key]

    async def purge(self, *, seen: float, sessions: float) -> int:
        before = self._rows()
        self._seen = {key: at for key, at in self._seen.items() if at >= seen}
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if bucket.at >= seen}
        self._dead = {id: letter for id, letter in self._dead.items() if letter[0].accepted >= seen}
        self._sessions = {id: session for id, session in self._sessions.items() if session.used >= sessions}
        self._bound = {key: id for key, id in self._bound.items() if id in self._sessions}
        self._alive = {name: until for name, until in self._alive.items() if until >= seen}
        self._leases = {key: held for key, held in self._leases.items() if held.owner in self._alive}
        return before - self._rows()

    async def check(self) -> str:
        return f"memory, {len(self._entries)} unfinished turns; forgets everything when botkit stops"

    async def __aenter__(self) -> MemoryStore:
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Nothing to give back; what is remembered stays until the object goes."""

    def _has(self, entry: str, owner: str) -> bool:
        return entry in self._entries and self._entries[entry][1] == owner

    def _save(self, session: Session) -> None:
        before = self._sessions.get(session.id)
        if before is not None:
            self._bound.pop(before.conversation, None)
        if session.conversation:
            other = self._bound.get(session.conversation)
            if other is not None:
                self._sessions[other] = replace(self._sessions[other], conversation="")
            self._bound[session.conversation] = session.id
        self._sessions[session.id] = session

    def _lives(self, owner: str, until: float) -> None:
        self._alive[owner] = max(until, self._alive.get(owner, 0.0))

    def _is_alive(self, owner: str, now: float) -> bool:
        return self._alive.get(owner, 0.0) > now

    def _rows(self) -> int:
        return len(self._seen) + len(self._buckets) + len(self._dead) + len(self._sessions)


def _kept(entry: Entry) -> Entry:
    return entry_from(entry_bytes(entry))
