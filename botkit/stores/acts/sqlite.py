"""The audit log, in the SQLite file."""

from __future__ import annotations

from collections.abc import Sequence

from botkit.keys import Act
from botkit.roles import PAGE
from botkit.stores.codec import Codec
from botkit.stores.database import Database

_acts = Codec(Act)


class SqliteActs:
    """See `roles.Acts`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, act: Act) -> None:
        values = (act.id, act.at, act.who, act.target, _acts.encode(act))
        await self._db.write(lambda db: db.execute("INSERT OR IGNORE INTO act VALUES (?, ?, ?, ?, ?)", values))

    async def list(
        self, *, who: str = "", target: str = "", before: tuple[float, str] | None = None, most: int = PAGE
    ) -> Sequence[Act]:
        older, cursor = ("AND (at, id) < (?, ?)", before) if before else ("", ())
        statement = (
            f"SELECT data FROM act WHERE (? = '' OR who = ?) AND (? = '' OR target = ?) {older}"
            " ORDER BY at DESC, id DESC LIMIT ?"
        )
        values = (who, who, target, target, *cursor, most)
        rows = await self._db.read(lambda db: db.execute(statement, values).fetchall())
        return _acts.readable(data for (data,) in rows)

    async def purge(self, before: float) -> int:
        return await self._db.write(lambda db: db.execute("DELETE FROM act WHERE at < ?", (before,)).rowcount)
