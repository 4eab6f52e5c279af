"""What the SQLite store does to its tables. Each function runs inside a transaction that somebody else commits."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from botkit.model import Admission, Admitted, Lease, Limit, Session
from botkit.store import Beat
from botkit.stores.buckets import Bucket, Taken, take
from botkit.stores.rules import GRACE, LISTED

Connection = sqlite3.Connection
SessionRow = tuple[bytes, str]
"""A session as written, and the conversation it is bound to now."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A session and its bytes."""

    session: Session
    data: bytes


def admit(db: Connection, admission: Admission, data: bytes, owner: str) -> tuple[Admitted, SessionRow | None]:
    seen = db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (admission.key, admission.now))
    if not seen.rowcount:
        return Admitted(repeat=True), None
    taken = take(admission.limits, _buckets(db, admission.limits), admission.now)
    if taken.refused is not None:
        return Admitted(refused=taken.refused, retry_after=taken.retry_after), None
    _write_buckets(db, taken)
    entry = admission.entry
    if entry.message.kept:
        db.execute("INSERT INTO entry VALUES (?, ?, ?, ?, ?)", (entry.id, entry.bot, owner, entry.accepted, data))
        _lives(db, owner, admission.now + GRACE)
    return Admitted(), bound_to(db, entry.conversation)


def entries(db: Connection, ids: Collection[str]) -> list[bytes]:
    marks = ", ".join("?" * len(ids))
    return [data for (data,) in db.execute(f"SELECT data FROM entry WHERE id IN ({marks})", tuple(ids))]


def update(db: Connection, entry: str, owner: str, data: bytes, session: Bound | None) -> bool:
    changed = db.execute("UPDATE entry SET data = ? WHERE id = ? AND owner = ?", (data, entry, owner))
    if changed.rowcount and session is not None:
        save_session(db, session)
    return bool(changed.rowcount)


def settle(db: Connection, entry: str, owner: str) -> None:
    db.execute("DELETE FROM entry WHERE id = ? AND owner = ?", (entry, owner))


def bury(db: Connection, entry: str, owner: str, why: str) -> None:
    db.execute(
        "INSERT OR REPLACE INTO dead SELECT id, accepted, ?, data FROM entry WHERE id = ? AND owner = ?",
        (why, entry, owner),
    )
    settle(db, entry, owner)


def dead(db: Connection) -> list[tuple[bytes, str]]:
    return db.execute("SELECT data, why FROM dead ORDER BY accepted, id").fetchall()


def take_over(db: Connection, bot: str, owner: str, gone: Collection[str], now: float) -> list[tuple[str, bool, bytes]]:
    """The entries that are the owner's from now on, and whether they were before; oldest first."""
    lost = [(name,) for name in gone if name != owner]
    db.executemany("DELETE FROM owner WHERE name = ?", lost)
    db.executemany("DELETE FROM lease WHERE owner = ?", lost)
    rows = db.execute(
        "SELECT entry.id, entry.owner = ?, entry.data FROM entry LEFT JOIN owner ON owner.name = entry.owner"
        " WHERE entry.bot = ? AND (entry.owner = ? OR owner.alive IS NULL OR owner.alive <= ?)"
        " ORDER BY entry.accepted, entry.id",
        (owner, bot, owner, now),
    ).fetchall()
    held = [(str(id), bool(mine), data) for id, mine, data in rows]
    taken = [(owner, id) for id, mine, _ in held if not mine]
    if taken:
        db.executemany("UPDATE entry SET owner = ? WHERE id = ?", taken)
        _lives(db, owner, now + GRACE)
    return held


def owners(db: Connection) -> set[str]:
    return {str(name) for (name,) in db.execute("SELECT owner FROM entry UNION SELECT owner FROM lease")}


def beat(db: Connection, owner: str, now: float, ttl: float, leases: Collection[Lease]) -> Beat:
    db.execute("INSERT OR REPLACE INTO owner VALUES (?, ?)", (owner, now + ttl))
    rows = db.execute("SELECT key, token, wanted > ? FROM lease WHERE owner = ?", (now, owner)).fetchall()
    mine = {Lease(key, token) for key, token, _ in rows}
    return Beat({key for key, _, wanted in rows if wanted}, {lease.key for lease in leases if lease not in mine})


def bound_to(db: Connection, conversation: str) -> SessionRow | None:
    if not conversation:
        return None
    row: SessionRow | None = db.execute(
        "SELECT data, conversation FROM session WHERE conversation = ? AND conversation <> ''", (conversation,)
    ).fetchone()
    return row


def find_session(db: Connection, id: str) -> SessionRow | None:
    row: SessionRow | None = db.execute("SELECT data, conversation FROM session WHERE id = ?", (id,)).fetchone()
    return row


def save_session(db: Connection, bound: Bound) -> None:
    session = bound.session
    if session.conversation:
        db.execute(
            "UPDATE session SET conversation = '' WHERE conversation = ? AND conversation <> '' AND id <> ?",
            (session.conversation, session.id),
        )
    db.execute(
        "INSERT OR REPLACE INTO session VALUES (?, ?, ?, ?, ?, ?)",
        (session.id, session.bot, session.owner, session.conversation, session.used, bound.data),
    )


def new_session(db: Connection, bound: Bound) -> bool:
    if bound_to(db, bound.session.conversation) is not None:
        return False
    save_session(db, bound)
    return True


def list_sessions(
    db: Connection, bot: str, owner: str, since: float, before: tuple[float, str] | None
) -> list[SessionRow]:
    at, id = before or (float("inf"), "")
    return db.execute(
        "SELECT data, conversation FROM session WHERE bot = ? AND used >= ? AND (? = '' OR owner = ?)"
        " AND (used, id) < (?, ?) ORDER BY used DESC, id DESC LIMIT ?",
        (bot, since, owner, owner, at, id, LISTED),
    ).fetchall()


def mark(db: Connection, key: str) -> str | None:
    row = db.execute("SELECT value FROM mark WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def set_mark(db: Connection, key: str, value: str | None) -> None:
    if value is None:
        db.execute("DELETE FROM mark WHERE key = ?", (key,))
    else:
        db.execute("INSERT OR REPLACE INTO mark VALUES (?, ?)", (key, value))


def change_mark(db: Connection, key: str, old: str | None, new: str) -> bool:
    if mark(db, key) != old:
        return False
    set_mark(db, key, new)
    return True


def lease(db: Connection, key: str, owner: str, now: float, ttl: float) -> Lease | None:
    row = db.execute("SELECT owner, token FROM lease WHERE key = ?", (key,)).fetchone()
    holder, token = (str(row[0]), int(row[1])) if row else ("", 0)
    if row and holder != owner and _alive(db, holder, now):
        db.execute("UPDATE lease SET wanted = max(wanted, ?) WHERE key = ?", (now + ttl, key))
        return None
    if not row or holder != owner:
        (token,) = db.execute("UPDATE fence SET token = token + 1 RETURNING token").fetchall()[0]
        db.execute("INSERT OR REPLACE INTO lease VALUES (?, ?, ?, 0)", (key, owner, token))
    _lives(db, owner, now + ttl)
    return Lease(key, token)


def release(db: Connection, lease: Lease, owner: str) -> None:
    db.execute("DELETE FROM lease WHERE key = ? AND owner = ? AND token = ?", (lease.key, owner, lease.token))


def purge(db: Connection, seen: float, sessions: float) -> int:
    rows = db.execute("DELETE FROM seen WHERE at < ?", (seen,)).rowcount
    rows += db.execute("DELETE FROM bucket WHERE at < ?", (seen,)).rowcount
    rows += db.execute("DELETE FROM dead WHERE accepted < ?", (seen,)).rowcount
    rows += db.execute("DELETE FROM session WHERE used < ?", (sessions,)).rowcount
    db.execute("DELETE FROM owner WHERE alive < ?", (seen,))
    db.execute("DELETE FROM lease WHERE owner NOT IN (SELECT name FROM owner)")
    return rows


def unfinished(db: Connection) -> int:
    return int(db.execute("SELECT count(*) FROM entry").fetchone()[0])


def _buckets(db: Connection, limits: Sequence[Limit]) -> dict[str, Bucket]:
    found: dict[str, Bucket] = {}
    for limit in limits:
        row = db.execute("SELECT tokens, at FROM bucket WHERE key = ?", (limit.key,)).fetchone()
        if row is not None:
            found[limit.key] = Bucket(*row)
    return found


def _write_buckets(db: Connection, taken: Taken) -> None:
    rows = [(key, bucket.tokens, bucket.at) for key, bucket in taken.buckets.items()]
    db.executemany("INSERT OR REPLACE INTO bucket VALUES (?, ?, ?)", rows)


def _lives(db: Connection, owner: str, until: float) -> None:
    db.execute(
        "INSERT INTO owner VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET alive = max(alive, excluded.alive)",
        (owner, until),
    )


def _alive(db: Connection, owner: str, now: float) -> bool:
    return db.execute("SELECT 1 FROM owner WHERE name = ? AND alive > ?", (owner, now)).fetchone() is not None
