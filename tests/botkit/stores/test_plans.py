"""What a message asks the SQLite store is found by an index, however many sessions there are."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from botkit.stores import tables
from botkit.stores.codec import entry_bytes, session_bytes
from botkit.stores.schema import migrate
from botkit.stores.tables import Bound
from botkit.testing.store_values import NOW, admission, limit, session


class _Explaining(sqlite3.Connection):
    """Notes how SQLite goes about each statement."""

    plans: dict[str, str]

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if sql.startswith(("SELECT", "UPDATE", "DELETE")):
            steps: Sequence[tuple[int, int, int, str]] = (
                super().execute(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()
            )
            self.plans[sql] = "; ".join(step for *_, step in steps)
        return super().execute(sql, parameters)


@pytest.fixture
def explaining(tmp_path: Path) -> _Explaining:
    connection = sqlite3.connect(tmp_path / "botkit.db", factory=_Explaining, isolation_level=None)
    assert isinstance(connection, _Explaining)
    connection.plans = {}
    migrate(connection)
    connection.plans.clear()
    return connection


def test_no_step_of_a_turn_looks_at_all_sessions(explaining: _Explaining) -> None:
    asked, known = admission("turn-1", limit()), session()
    bound = Bound(known, session_bytes(known))
    data = entry_bytes(asked.entry)
    tables.admit(explaining, asked, data, "me")
    tables.update(explaining, asked.entry.id, "me", data, bound)
    tables.find_session(explaining, known.id)
    tables.settle(explaining, asked.entry.id, "me")
    tables.list_sessions(explaining, known.bot, known.owner, NOW, None)
    assert len(explaining.plans) >= 5
    for sql, plan in explaining.plans.items():
        assert "SCAN" not in plan, sql
