"""Usage as a spreadsheet reads it."""

from __future__ import annotations

import csv
import io

import pytest

from botkit.sheets import moment, record_head, record_lines, sum_sheet
from botkit.testing.store_meter import record
from botkit.testing.store_values import NASTY
from botkit.usage import UsageSum


def test_every_field_of_a_record_has_its_column() -> None:
    text = record_head() + record_lines([record(), record("r2", user="", error='a,"b"\nc')])
    first, second = csv.DictReader(io.StringIO(text, newline=""))
    assert first["at"] == "2023-11-14T22:13:20.000Z"
    assert (first["id"], first["cost"], first["input_tokens"], first["user"]) == ("r1", "0.25", "100", "ünï")
    assert (second["user"], second["error"]) == ("", 'a,"b"\nc')
    assert None not in first


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_text_becomes_a_formula(text: str) -> None:
    (row,) = csv.DictReader(io.StringIO(record_head() + record_lines([record(user=text)]), newline=""))
    assert row["user"] == f"'{text}"


def test_any_text_comes_out_as_it_went_in() -> None:
    text = record_head() + record_lines([record(user=NASTY.replace("\0", ""))])
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["user"] == NASTY.replace("\0", "")


def test_sums_stand_under_what_they_are_by() -> None:
    text = sum_sheet(("day", "bot"), [UsageSum(("2026-01-31", "helper"), requests=3, cost=0.5)])
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["day"], row["bot"], row["requests"], row["cost"]) == ("2026-01-31", "helper", "3", "0.5")


def test_a_moment_is_written_in_utc() -> None:
    assert moment(0.0) == "1970-01-01T00:00:00.000Z"
