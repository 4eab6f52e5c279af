"""The wall clock that leases are counted by."""

from __future__ import annotations

from botkit.clock import STILL, TTL, Pulse, WallClock


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


def test_while_nobody_could_be_heard_nobody_is_taken_for_dead() -> None:
    wall, steady = 1000.0, 0.0
    clock = WallClock(lambda: wall, lambda: steady)
    wall, steady = 1060.0, 60.0
    clock.skip(60.0)
    assert clock.now() == 1000.0
    wall, steady = wall + TTL, steady + TTL
    assert clock.now() == wall


def test_a_process_notices_that_it_stood_still_or_its_machine_did() -> None:
    wall, steady = 1000.0, 0.0
    pulse = Pulse(lambda: wall, lambda: steady)
    for _ in range(10):
        wall, steady = wall + STILL, steady + STILL
        assert pulse.pauses == 0
    wall, steady = wall + STILL + 1, steady + STILL + 1
    assert pulse.pauses == 1, "stopped"
    wall, steady = wall + 3600, steady
    assert pulse.pauses == 2, "suspended"
    assert pulse.pauses == 2


def test_a_clock_set_back_or_corrected_a_little_is_believed_at_once() -> None:
    wall, steady = 1000.0, 0.0
    clock = WallClock(lambda: wall, lambda: steady)
    wall -= 600.0
    assert clock.now() == 400.0
    wall += 1.5
    assert clock.now() == 401.5
