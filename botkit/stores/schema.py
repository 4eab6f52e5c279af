"""The tables of the SQLite store, and how a file written by an older version becomes today's.

A migration is never changed once released; a new version appends one. `PRAGMA user_version` counts those applied.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from botkit.errors import StoreError

MIGRATIONS: Sequence[str] = (
    """
    CREATE TABLE seen (key TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
    CREATE INDEX seen_at ON seen (at);
    CREATE TABLE bucket (key TEXT PRIMARY KEY, tokens REAL NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
    CREATE TABLE entry (
        id TEXT PRIMARY KEY, bot TEXT NOT NULL, owner TEXT NOT NULL, accepted REAL NOT NULL, data BLOB NOT NULL
    );
    CREATE TABLE dead (id TEXT PRIMARY KEY, accepted REAL NOT NULL, why TEXT NOT NULL, data BLOB NOT NULL);
    CREATE TABLE session (
        id TEXT PRIMARY KEY, bot TEXT NOT NULL, owner TEXT NOT NULL, conversation TEXT NOT NULL, used REAL NOT NULL,
        data BLOB NOT NULL
    );
    CREATE UNIQUE INDEX session_conversation ON session (conversation) WHERE conversation <> '';
    CREATE INDEX session_used ON session (bot, used);
    CREATE TABLE mark (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE owner (name TEXT PRIMARY KEY, alive REAL NOT NULL) WITHOUT ROWID;
    CREATE TABLE lease (
        key TEXT PRIMARY KEY, owner TEXT NOT NULL, token INTEGER NOT NULL, wanted REAL NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    CREATE INDEX lease_owner ON lease (owner);
    CREATE TABLE fence (token INTEGER NOT NULL);
    INSERT INTO fence VALUES (0);
    """,
    """
    CREATE TABLE api_key (
        id TEXT PRIMARY KEY, owner TEXT NOT NULL, revision INTEGER NOT NULL, used REAL NOT NULL DEFAULT 0,
        data BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE nonce (
        key TEXT NOT NULL, nonce TEXT NOT NULL, until REAL NOT NULL, PRIMARY KEY (key, nonce)
    ) WITHOUT ROWID;
    CREATE INDEX nonce_until ON nonce (until);
    CREATE TABLE counter (
        key TEXT NOT NULL, window TEXT NOT NULL, ends REAL NOT NULL, requests INTEGER NOT NULL DEFAULT 0,
        tokens INTEGER NOT NULL DEFAULT 0, usd REAL NOT NULL DEFAULT 0, PRIMARY KEY (key, window)
    ) WITHOUT ROWID;
    CREATE INDEX counter_ends ON counter (ends);
    CREATE TABLE slot (
        key TEXT NOT NULL, request TEXT NOT NULL, until REAL NOT NULL, PRIMARY KEY (key, request)
    ) WITHOUT ROWID;
    CREATE TABLE usage (
        id TEXT PRIMARY KEY, at REAL NOT NULL, key TEXT NOT NULL, endpoint TEXT NOT NULL, bot TEXT NOT NULL,
        model TEXT NOT NULL, session TEXT NOT NULL, user TEXT NOT NULL, input_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL, cache_read_tokens INTEGER NOT NULL, cache_write_tokens INTEGER NOT NULL,
        cost REAL NOT NULL, latency REAL NOT NULL, first_token REAL NOT NULL, status INTEGER NOT NULL,
        error TEXT NOT NULL
    );
    CREATE INDEX usage_at ON usage (at, id);
    CREATE INDEX usage_key ON usage (key, at, id);
    CREATE TABLE run (
        id TEXT PRIMARY KEY, key TEXT NOT NULL, created REAL NOT NULL, ended INTEGER NOT NULL, data BLOB NOT NULL
    );
    CREATE INDEX run_key ON run (key, created, id);
    CREATE INDEX run_created ON run (created);
    CREATE TABLE repeatable (
        key TEXT NOT NULL, name TEXT NOT NULL, expires REAL NOT NULL, data BLOB NOT NULL, PRIMARY KEY (key, name)
    );
    CREATE INDEX repeatable_expires ON repeatable (expires);
    CREATE TABLE act (
        id TEXT PRIMARY KEY, at REAL NOT NULL, who TEXT NOT NULL, target TEXT NOT NULL, data BLOB NOT NULL
    );
    CREATE INDEX act_at ON act (at, id);
    """,
)


def migrate(connection: sqlite3.Connection, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Bring an open file up to date, all or nothing. Raises StoreError for a file of a newer version."""
    if _version(connection) == len(migrations):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Read again: another process may have migrated it while this one waited for the lock.
        version = _version(connection)
        if version > len(migrations):
            raise StoreError(
                f"it was written by a newer botkit (schema {version}, this one knows {len(migrations)}): "
                "update botkit, or use a backup made before the update"
            )
        for script in migrations[version:]:
            for statement in script.split(";\n"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
