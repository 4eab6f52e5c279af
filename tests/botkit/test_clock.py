"""The wall clock that leases are counted by."""

from __future__ import annotations

from botkit.leases import TTL, WallClock


def test_a_clock_set_forward_is_believed_when_everybody_has_had_time_to_say_that_he_lives() -> None:
    wall, steady = 1000.0, 0.0
    clock = WallClock(lambda: wall, lambda: steady)
    assert clock.now() == 1000.0
    wall += 601.0
    steady += 1.0
    assert clock.now() == 1001.0
    wall += TTL
    steady += TTL
    assert clock.now() == wall


def test_a_clock_set_back_or_corrected_a_little_is_believed_at_once() -> None:
    wall, steady = 1000.0, 0.0
    clock = WallClock(lambda: wall, lambda: steady)
    wall -= 600.0
    assert clock.now() == 400.0
    wall += 1.5
    assert clock.now() == 401.5
