"""Time is counted while something goes on."""

from __future__ import annotations

from botkit.stopwatch import Stopwatch


def test_pauses_do_not_count() -> None:
    now = 100.0
    watch = Stopwatch(lambda: now)
    measured = [watch.seconds]
    for going, seconds in ((True, 5.0), (True, 2.0), (False, 60.0), (False, 60.0), (True, 1.0)):
        watch.run(going=going)
        now += seconds
        measured.append(watch.seconds)
    assert measured == [0.0, 5.0, 7.0, 7.0, 7.0, 8.0]
