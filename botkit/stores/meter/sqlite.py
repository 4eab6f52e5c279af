"""Use of keys, counted in the SQLite file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from sqlite3 import Connection

from msgspec.structs import astuple

from botkit.keys import Begun, KeyLimits, Spent
from botkit.roles import PAGE
from botkit.stores.database import Database
from botkit.stores.meter.windows import Window, begun, windows
from botkit.usage import Dimension, UsageQuery, UsageRecord, UsageSum

_COLUMNS = UsageRecord.__struct_fields__
_RECORDS = f"SELECT {', '.join(_COLUMNS)} FROM usage"
_INSERT = f"INSERT OR IGNORE INTO usage ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_SUMS = (
    "count(*), sum(error <> '' OR status >= 400), sum(input_tokens), sum(output_tokens), sum(cache_read_tokens),"
    " sum(cache_write_tokens), sum(cost), sum(latency), sum(first_token), sum(first_token > 0)"
)
_GROUPS: dict[Dimension, str] = {
    "key": "key",
    "bot": "bot",
    "model": "model",
    "endpoint": "endpoint",
    "user": "user",
    "status": "CAST(status AS TEXT)",
    "day": "strftime('%Y-%m-%d', at, 'unixepoch')",
}


class SqliteMeter:
    """See `roles.Meter`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def begin(self, key: str, limits: KeyLimits, request: str, now: float, *, slot: float = 0.0) -> Begun:
        # A power cut may forget some seconds of counting; it ends what was counted, too.
        return await self._db.write(lambda db: _begin(db, key, limits, request, now, slot), durable=False)

    async def hold(self, slots: Sequence[tuple[str, str]], until: float) -> None:
        rows = [(until, *slot) for slot in slots]
        statement = "UPDATE slot SET until = ? WHERE key = ? AND request = ?"
        await self._db.write(lambda db: db.executemany(statement, rows), durable=False)

    async def pass_on(self, key: str, request: str, to: str, until: float) -> bool:
        return await self._db.write(lambda db: _pass_on(db, key, request, to, until), durable=False)

    async def end(self, records: Sequence[UsageRecord]) -> None:
        await self._db.write(lambda db: _end(db, records))

    async def spent(self, key: str, now: float) -> Spent:
        return await self._db.read(lambda db: _spent(db, key, now))

    async def sums(self, query: UsageQuery) -> Sequence[UsageSum]:
        where, values = _where(query)
        groups = [_GROUPS[dimension] for dimension in query.by]
        grouped = f" GROUP BY {', '.join(groups)} ORDER BY {', '.join(groups)}" if groups else " HAVING count(*) > 0"
        statement = f"SELECT {', '.join([*groups, _SUMS])} FROM usage{where}{grouped}"
        rows = await self._db.read(lambda db: db.execute(statement, values).fetchall())
        return [UsageSum(tuple(row[: len(groups)]), *row[len(groups) :]) for row in rows]

    async def records(
        self, query: UsageQuery, *, after: tuple[float, str] | None = None, most: int = PAGE
    ) -> Sequence[UsageRecord]:
        where, values = _where(query)
        if after is not None:
            where, values = f"{where} AND (at, id) > (?, ?)", [*values, *after]
        statement = f"{_RECORDS}{where} ORDER BY at, id LIMIT ?"
        rows = await self._db.read(lambda db: db.execute(statement, [*values, most]).fetchall())
        return [UsageRecord(*row) for row in rows]

    async def purge(self, before: float, now: float) -> int:
        return await self._db.write(lambda db: _purge(db, before, now))


def _begin(db: Connection, key: str, limits: KeyLimits, request: str, now: float, slot: float) -> Begun:
    spent = _spent(db, key, now)
    holds = "SELECT 1 FROM slot WHERE key = ? AND request = ? AND until > ?"
    if slot and db.execute(holds, (key, request, now)).fetchone():
        return Begun(spent)
    answer = begun(limits, spent, now, slot=slot > 0)
    if answer.refused is None:
        at = windows(now)
        _count(db, key, at.minute, requests=1)
        _count(db, key, at.day, requests=1)
        if slot:
            db.execute("INSERT OR REPLACE INTO slot VALUES (?, ?, ?)", (key, request, now + slot))
    return answer


def _pass_on(db: Connection, key: str, request: str, to: str, until: float) -> bool:
    had = db.execute("DELETE FROM slot WHERE key = ? AND request = ?", (key, request)).rowcount
    if not had or db.execute("SELECT 1 FROM usage WHERE id = ?", (to,)).fetchone():
        return False
    db.execute("INSERT OR REPLACE INTO slot VALUES (?, ?, ?)", (key, to, until))
    return True


def _end(db: Connection, records: Sequence[UsageRecord]) -> None:
    tokens, usd = Counter[tuple[str, Window]](), defaultdict[tuple[str, Window], float](float)
    for record in records:
        if db.execute(_INSERT, astuple(record)).rowcount:
            at = windows(record.ended)
            for counter in ((record.key, at.day), (record.key, at.month)):
                tokens[counter] += record.counted_tokens
                usd[counter] += record.cost
    for (key, window), used in tokens.items():
        _count(db, key, window, tokens=used, usd=usd[key, window])
    slots = [(record.key, record.id) for record in records]
    db.executemany("DELETE FROM slot WHERE key = ? AND request = ?", slots)


def _spent(db: Connection, key: str, now: float) -> Spent:
    at = windows(now)
    names = (at.minute.name, at.day.name, at.month.name)
    found = db.execute(
        "SELECT window, requests, tokens, usd FROM counter WHERE key = ? AND window IN (?, ?, ?)", (key, *names)
    )
    rows = {name: counted for name, *counted in found}
    minute, day, month = (rows.get(name, (0, 0, 0.0)) for name in names)
    (runs,) = db.execute("SELECT count(*) FROM slot WHERE key = ? AND until > ?", (key, now)).fetchone()
    return Spent(minute[0], day[0], day[1], day[2], month[2], runs)


def _count(db: Connection, key: str, window: Window, *, requests: int = 0, tokens: int = 0, usd: float = 0.0) -> None:
    db.execute(
        "INSERT INTO counter VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET requests = requests +"
        " excluded.requests, tokens = tokens + excluded.tokens, usd = usd + excluded.usd",
        (key, window.name, window.ends, requests, tokens, usd),
    )


def _where(query: UsageQuery) -> tuple[str, list[object]]:
    parts, values = [" WHERE at >= ? AND at < ?"], list[object]((query.since, query.until))
    for name in ("key", "bot", "model", "endpoint", "user", "status"):
        if value := getattr(query, name):
            parts.append(f"{name} = ?")
            values.append(value)
    return " AND ".join(parts), values


def _purge(db: Connection, before: float, now: float) -> int:
    db.execute("DELETE FROM counter WHERE ends <= ?", (now,))
    db.execute("DELETE FROM slot WHERE until <= ?", (now,))
    return db.execute("DELETE FROM usage WHERE at < ?", (before,)).rowcount
