"""Usage as CSV, for spreadsheets and accounting. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from datetime import UTC, datetime

from msgspec import structs

from botkit.usage import Dimension, UsageRecord, UsageSum

SUM = tuple(field.name for field in fields(UsageSum) if field.name != "group")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def record_lines(records: Iterable[UsageRecord]) -> str:
    """One line for each record, without a head; its time as ISO 8601, UTC."""
    return _lines([record.id, moment(record.at), *structs.astuple(record)[2:]] for record in records)


def record_head() -> str:
    return _lines([UsageRecord.__struct_fields__])


def sum_sheet(by: Sequence[Dimension], sums: Iterable[UsageSum]) -> str:
    """A head and one line for each group."""
    return _lines([[*by, *SUM], *([*each.group, *astuple(each)[1:]] for each in sums)])


def moment(at: float) -> str:
    """Unix seconds as "2026-01-31T23:59:59.123Z"."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _lines(rows: Iterable[Iterable[object]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: object) -> object:
    """A program chooses some of these texts; none may become a formula where a sheet is opened."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
