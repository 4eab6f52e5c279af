"""Async runs in the SQLite file."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection

from botkit.roles import PAGE
from botkit.runs import ENDED, Repeatable, Run
from botkit.stores.codec import Codec
from botkit.stores.database import Database

_runs = Codec(Run)
_requests = Codec(Repeatable)


class SqliteRuns:
    """See `roles.Runs`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def save(self, run: Run) -> None:
        await self._db.write(lambda db: save_run(db, run))

    async def get(self, id: str) -> Run | None:
        row = await self._db.read(lambda db: db.execute("SELECT data FROM run WHERE id = ?", (id,)).fetchone())
        return None if row is None else _runs.decode(row[0])

    async def list(self, key: str, *, before: tuple[float, str] | None = None, most: int = PAGE) -> Sequence[Run]:
        older, cursor = ("AND (created, id) < (?, ?)", before) if before else ("", ())
        statement = f"SELECT data FROM run WHERE key = ? {older} ORDER BY created DESC, id DESC LIMIT ?"
        rows = await self._db.read(lambda db: db.execute(statement, (key, *cursor, most)).fetchall())
        return _runs.readable(data for (data,) in rows)

    async def claim(self, request: Repeatable) -> Repeatable | None:
        data = _requests.encode(request)
        earlier = await self._db.write(lambda db: _claim(db, request, data))
        return None if earlier is None else _requests.decode(earlier)

    async def answer(self, request: Repeatable) -> None:
        data = _requests.encode(request)
        await self._db.write(lambda db: _keep(db, request, data))

    async def forget(self, key: str, name: str) -> None:
        statement = "DELETE FROM repeatable WHERE key = ? AND name = ?"
        await self._db.write(lambda db: db.execute(statement, (key, name)))

    async def purge(self, before: float, now: float) -> int:
        return await self._db.write(
            lambda db: (
                db.execute("DELETE FROM run WHERE created < ?", (before,)).rowcount
                + db.execute("DELETE FROM repeatable WHERE expires <= ?", (now,)).rowcount
            )
        )


def save_run(db: Connection, run: Run) -> None:
    """Inside a transaction that somebody else commits."""
    db.execute(
        "INSERT INTO run VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET ended = excluded.ended,"
        " data = excluded.data WHERE NOT ended",
        (run.id, run.key, run.created, run.status in ENDED, _runs.encode(run)),
    )


def _claim(db: Connection, request: Repeatable, data: bytes) -> bytes | None:
    row = db.execute(
        "SELECT data FROM repeatable WHERE key = ? AND name = ? AND expires > ?",
        (request.key, request.name, request.at),
    ).fetchone()
    if row is None:
        _keep(db, request, data)
        return None
    return bytes(row[0])


def _keep(db: Connection, request: Repeatable, data: bytes) -> None:
    values = (request.key, request.name, request.expires, data)
    db.execute("INSERT OR REPLACE INTO repeatable VALUES (?, ?, ?, ?)", values)
