"""botkit is told to stop in the middle of its work, or is brought down by one message again and again."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import time

import psutil

from tests.faults.rig import Rig

PROMPTLY = 2.0
"""Seconds that an end takes when nothing is waited for."""
TRAPPED = 'middleware = ["errors", "log", "refusals", "lane", "tests.faults.traps:traps", "session", "attachments"]'


async def test_d28_sigterm_in_mid_turn_finishes_what_it_can_and_leaves_the_rest(rig: Rig) -> None:
    """Row D28: stop intake, acknowledge nothing new, finish within the drain budget, keep beating, leave the rest."""
    rig.drain = 3.0
    process = await rig.start()
    quick, long = await rig.ask(1, more="slow2"), await rig.ask(2, more="slow8")
    await rig.until_shown(quick, "w1.")
    await rig.until_shown(long, "w2.")
    queued = await rig.ask(3, thread=long)
    await rig.until_shown(long, "Waiting: 1 other turn")
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    await rig.until(lambda: rig.slack.sockets() == 0, lambda: "it still listens")
    before = _alive(rig)
    late = await rig.ask(4)
    await rig.until_ended(quick, 1)
    assert _alive(rig) > before, "it beats while it drains"
    async with asyncio.timeout(rig.drain + PROMPTLY):
        assert await process.wait() == 0
    assert time.monotonic() - began < rig.drain + PROMPTLY
    assert not rig.workers()
    assert not rig.ended(long, 2)
    assert not rig.posts(late), "nothing new was taken"
    process = await rig.start()
    await rig.until_ended(long, 2, 3)
    await rig.until_ended(late, 4)
    assert "Interrupted here by a restart" in rig.posts(long)[0].shown
    assert [len(rig.posts(thread)) for thread in (quick, queued, late)] == [1, 2, 1]
    assert rig.turns().count(1) == 1
    assert await rig.end(process) == 0


async def test_d28_a_second_sigterm_ends_it_at_once(rig: Rig) -> None:
    """Row D28, second SIGTERM: no waiting, nothing left alive, the turn goes on at the next start."""
    rig.drain = 30.0
    process = await rig.start()
    thread = await rig.ask(1, more="slow4")
    await rig.until_shown(thread, "w1.")
    process.send_signal(signal.SIGTERM)
    await rig.until(lambda: rig.slack.sockets() == 0, lambda: "it still listens")
    left = rig.workers()
    assert await rig.end(process, within=PROMPTLY) == -signal.SIGTERM
    _, alive = await asyncio.to_thread(psutil.wait_procs, left, PROMPTLY)
    assert not alive
    process = await rig.start()
    await rig.until_ended(thread, 1)
    assert len(rig.posts(thread)) == 1
    assert await rig.end(process) == 0


async def test_d28_a_platform_that_does_not_answer_does_not_hold_up_the_end(rig: Rig) -> None:
    """Row D28: the drain budget holds also when the last words cannot be delivered; they are said at the next start."""
    rig.drain = 1.0
    process = await rig.start()
    thread = await rig.ask(1, more="slow1")
    await rig.until_shown(thread, "w1.")
    rig.slack.fault("chat.update", "5xx", times=10**6)
    began = time.monotonic()
    assert await rig.end(process) == 0
    assert time.monotonic() - began < rig.drain + 8.0
    rig.slack.faults.waiting.clear()
    process = await rig.start()
    await rig.until_ended(thread, 1)
    assert len(rig.posts(thread)) == 1
    assert await rig.end(process) == 0


async def test_d30_a_question_that_brings_botkit_down_is_given_up_after_three_times(rig: Rig) -> None:
    """Row D30: a crash loop on one poison message ends in a dead letter after 3, visibly; the others are answered."""
    process = await rig.start()
    poison = await rig.ask(1, more="poison")
    for start in range(3):
        process = process if not start else await rig.start(connected=False)
        async with asyncio.timeout(20):
            assert await process.wait() == -signal.SIGKILL
    process = await rig.start()
    await rig.until_shown(poison, "Given up")
    other = await rig.ask(2)
    await rig.until_ended(other, 2)
    assert rig.turns().count(1) == 3
    assert len(rig.posts(poison)) == 1
    assert await rig.end(process) == 0
    assert "cut off 3 times" in await rig.doctor()


async def test_d30_a_message_that_brings_botkit_down_before_its_turn_is_given_up_too(rig: Rig) -> None:
    """Row D30, where the crash comes before the turn is given to Claude: a dead letter after 3 all the same."""
    rig.options["bots.main"] = TRAPPED
    starts = 0
    process = await rig.start()
    poison = await rig.ask(1, more="bomb")
    innocent = await rig.ask(2)
    while starts < 6:
        starts += 1
        try:
            async with asyncio.timeout(3):
                assert await process.wait() == -signal.SIGKILL
        except TimeoutError:
            break
        process = await rig.start(connected=False)
    assert starts == 4, f"it crashed {starts - 1} times"
    await rig.until_shown(poison, "Given up")
    await rig.until_ended(innocent, 2)
    assert await rig.end(process) == 0
    assert "cut off 3 times" in await rig.doctor()


def _alive(rig: Rig) -> float:
    """Until when the running botkit's owner counts as alive."""
    database = sqlite3.connect(rig.root / "botkit.db")
    try:
        return float(database.execute("SELECT max(alive) FROM owner").fetchone()[0])
    finally:
        database.close()
