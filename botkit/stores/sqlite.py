"""Remembers in one SQLite file: the default, nothing to set up. Several processes of one machine may share it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from sqlite3 import Connection, sqlite_version

from botkit.model import Admission, Admitted, Entry, Lease, Session
from botkit.store import Beat
from botkit.stores import tables
from botkit.stores.acts.sqlite import SqliteActs
from botkit.stores.backup import backup
from botkit.stores.codec import entry_bytes, session_bytes
from botkit.stores.database import Database
from botkit.stores.keys.sqlite import SqliteKeys
from botkit.stores.known import Known, readable, readable_session
from botkit.stores.meter.sqlite import SqliteMeter
from botkit.stores.runs.sqlite import SqliteRuns, save_run
from botkit.stores.schema import MIGRATIONS
from botkit.stores.tables import Bound


class SqliteStore:
    """The `sqlite:///file` store. What a person was promised is on the disk when a method returns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = Database(path)
        self._known = Known()
        self.keys = SqliteKeys(self._db)
        self.meter = SqliteMeter(self._db)
        self.runs = SqliteRuns(self._db)
        self.acts = SqliteActs(self._db)

    async def admit(self, admission: Admission, owner: str) -> Admitted:
        entry, data = admission.entry, entry_bytes(admission.entry)
        if not self._known.add(entry.id):
            return Admitted(repeat=True)
        admitted = False
        try:
            answer, row = await self._db.write(lambda db: _admit(db, admission, data, owner))
            admitted = not answer.repeat and answer.refused is None and entry.message.kept
        finally:
            if not admitted:
                self._known.discard(entry.id)
        return answer if row is None else replace(answer, session=readable_session(*row))

    async def entries(self, ids: Collection[str]) -> Sequence[Entry]:
        return readable(await self._db.read(lambda db: tables.entries(db, ids)))

    async def update(self, entry: Entry, owner: str, session: Session | None = None) -> bool:
        data, bound = entry_bytes(entry), _bound(session)
        ours = await self._db.write(lambda db: tables.update(db, entry.id, owner, data, bound))
        self._known.note(entry.id, ours=ours)
        return ours

    async def settle(self, entry: str, owner: str) -> None:
        await self._db.write(lambda db: tables.settle(db, entry, owner))
        self._known.discard(entry)

    async def bury(self, entry: str, owner: str, why: str) -> None:
        await self._db.write(lambda db: tables.bury(db, entry, owner, why))
        self._known.discard(entry)

    async def dead(self) -> Sequence[tuple[Entry, str]]:
        rows = await self._db.read(tables.dead)
        return [(entry, why) for data, why in rows for entry in readable([data])]

    async def take_over(self, bot: str, owner: str, gone: Collection[str], now: float) -> Sequence[Entry]:
        held = await self._db.write(lambda db: tables.take_over(db, bot, owner, gone, now))
        ids = set(self._known.claim((id, mine) for id, mine, _ in held))
        return readable(data for id, _, data in held if id in ids)

    async def owners(self) -> Collection[str]:
        return await self._db.read(tables.owners)

    async def beat(self, owner: str, now: float, ttl: float, leases: Collection[Lease] = ()) -> Beat:
        # After a power cut nobody is alive anyway, so a beat is not worth a write to the disk.
        return await self._db.write(lambda db: tables.beat(db, owner, now, ttl, leases), durable=False)

    async def session(self, conversation: str) -> Session | None:
        return _session(await self._db.read(lambda db: tables.bound_to(db, conversation)))

    async def find_session(self, id: str) -> Session | None:
        return _session(await self._db.read(lambda db: tables.find_session(db, id)))

    async def save_session(self, session: Session) -> None:
        bound = Bound(session, session_bytes(session))
        await self._db.write(lambda db: tables.save_session(db, bound))

    async def new_session(self, session: Session) -> bool:
        bound = Bound(session, session_bytes(session))
        return await self._db.write(lambda db: tables.new_session(db, bound))

    async def list_sessions(
        self, bot: str, *, owner: str = "", since: float = 0.0, before: tuple[float, str] | None = None
    ) -> Sequence[Session]:
        rows = await self._db.read(lambda db: tables.list_sessions(db, bot, owner, since, before))
        return [session for row in rows if (session := _session(row)) is not None]

    async def mark(self, key: str) -> str | None:
        return await self._db.read(lambda db: tables.mark(db, key))

    async def set_mark(self, key: str, value: str | None) -> None:
        await self._db.write(lambda db: tables.set_mark(db, key, value))

    async def change_mark(self, key: str, old: str | None, new: str) -> bool:
        return await self._db.write(lambda db: tables.change_mark(db, key, old, new))

    async def lease(self, key: str, owner: str, now: float, ttl: float) -> Lease | None:
        return await self._db.write(lambda db: tables.lease(db, key, owner, now, ttl), durable=False)

    async def release(self, lease: Lease, owner: str) -> None:
        await self._db.write(lambda db: tables.release(db, lease, owner), durable=False)

    async def purge(self, *, seen: float, sessions: float) -> int:
        return await self._db.write(lambda db: tables.purge(db, seen, sessions))

    async def check(self) -> str:
        count = await self._db.read(tables.unfinished)
        return f"SQLite {sqlite_version}, {self._path}, schema {len(MIGRATIONS)}, {count} unfinished turns"

    async def backup(self, to: Path) -> None:
        """A copy of everything as it is now, while botkit may be running. Raises StoreError."""
        await backup(self._path, to)

    async def __aenter__(self) -> SqliteStore:
        await self._db.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._db.close()


def _admit(db: Connection, admission: Admission, data: bytes, owner: str) -> tuple[Admitted, tables.SessionRow | None]:
    answer, row = tables.admit(db, admission, data, owner)
    if admission.run is not None and not answer.repeat:
        save_run(db, admission.run)
    return answer, row


def _bound(session: Session | None) -> Bound | None:
    return None if session is None else Bound(session, session_bytes(session))


def _session(row: tables.SessionRow | None) -> Session | None:
    return None if row is None else readable_session(*row)
