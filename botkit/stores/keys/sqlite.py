"""API keys in the SQLite file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from botkit.keys import ApiKey
from botkit.roles import PAGE
from botkit.stores.codec import Codec
from botkit.stores.database import Database

_keys = Codec(ApiKey)


class SqliteKeys:
    """See `roles.Keys`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self, id: str) -> ApiKey | None:
        row = await self._db.read(
            lambda db: db.execute("SELECT data, used FROM api_key WHERE id = ?", (id,)).fetchone()
        )
        return None if row is None else _key(*row)

    async def put(self, key: ApiKey) -> bool:
        data = _keys.encode(replace(key, last_used=0.0))
        if key.revision == 1:
            statement = "INSERT OR IGNORE INTO api_key (owner, revision, data, id) VALUES (?, ?, ?, ?)"
            values: tuple[object, ...] = (key.owner, key.revision, data, key.id)
        else:
            statement = "UPDATE api_key SET owner = ?, revision = ?, data = ? WHERE id = ? AND revision = ?"
            values = (key.owner, key.revision, data, key.id, key.revision - 1)
        return await self._db.write(lambda db: db.execute(statement, values).rowcount) == 1

    async def delete(self, id: str) -> bool:
        return await self._db.write(lambda db: db.execute("DELETE FROM api_key WHERE id = ?", (id,)).rowcount) == 1

    async def list(self, *, owner: str = "", after: str = "", most: int = PAGE) -> Sequence[ApiKey]:
        rows = await self._db.read(
            lambda db: db.execute(
                "SELECT data, used FROM api_key WHERE id > ? AND (? = '' OR owner = ?) ORDER BY id LIMIT ?",
                (after, owner, owner, most),
            ).fetchall()
        )
        return [_key(*row) for row in rows]

    async def touch(self, used: Mapping[str, float]) -> None:
        rows = [(at, id) for id, at in used.items()]
        statement = "UPDATE api_key SET used = max(used, ?) WHERE id = ?"
        await self._db.write(lambda db: db.executemany(statement, rows), durable=False)

    async def use_nonce(self, key: str, nonce: str, now: float, until: float) -> bool:
        statement = (
            "INSERT INTO nonce VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET until = excluded.until WHERE until <= ?"
        )
        values = (key, nonce, until, now)
        return await self._db.write(lambda db: db.execute(statement, values).rowcount, durable=False) == 1

    async def purge(self, now: float) -> int:
        return await self._db.write(lambda db: db.execute("DELETE FROM nonce WHERE until <= ?", (now,)).rowcount)


def _key(data: bytes, used: float) -> ApiKey:
    return replace(_keys.decode(data), last_used=used)
