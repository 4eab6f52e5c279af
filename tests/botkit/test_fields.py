"""Durations and rates as people write them."""

from __future__ import annotations

import pytest

from botkit.fields import duration_text, parse_duration, parse_rate, rate_text
from botkit.limits import Rate


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90.0), ("15m", 900.0), ("1.5h", 5400.0), ("30d", 2592000.0), ("7", 7.0), (0.5, 0.5)]
)
def test_a_duration_is_written_as_people_write_it(text: object, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("seconds", [0.0, 0.5, 30.0, 90.0, 600.0, 3600.0, 86400.0])
def test_a_duration_can_be_written_and_read_again(seconds: float) -> None:
    assert parse_duration(duration_text(seconds)) == seconds


@pytest.mark.parametrize("rate", [None, Rate(20, 60.0), Rate(1, 1.0), Rate(100, 21600.0), Rate(5, 90.0)])
def test_a_rate_can_be_written_and_read_again(rate: Rate | None) -> None:
    assert parse_rate(rate_text(rate)) == rate


@pytest.mark.parametrize("text", ["20", "per minute", "0 per minute", "20 per 0 minutes", "-1 per hour", 20])
def test_a_rate_that_makes_no_sense_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="expected a rate"):
        parse_rate(text)
