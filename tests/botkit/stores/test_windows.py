"""The calendar in which use is counted."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from botkit.stores.meter.windows import windows

MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1)).map(lambda each: each.replace(tzinfo=UTC))


@given(MOMENTS)
def test_every_moment_lies_in_a_minute_a_day_and_a_month(at: datetime) -> None:
    now = at.timestamp()
    found = windows(now)
    assert (found.day.name, found.month.name) == (f"{at:%Y-%m-%d}", f"{at:%Y-%m}")
    assert 0 < found.minute.ends - now <= 60
    assert 0 < found.day.ends - now <= 86_400
    assert found.day.ends <= found.month.ends
    after = datetime.fromtimestamp(found.month.ends, UTC)
    assert (after.day, after.hour, after.minute) == (1, 0, 0)
    assert windows(found.month.ends).month.name != found.month.name
    assert windows(found.month.ends - 0.001).month == found.month
