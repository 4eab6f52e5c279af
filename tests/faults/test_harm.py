"""What is built into botkit goes wrong: a middleware raises or blocks, a new config is wrong."""

from __future__ import annotations

import signal

import pytest

from tests.faults.rig import Rig

OUTSIDE = 'middleware = ["tests.faults.traps:traps", "errors", "log", "refusals", "lane", "session", "attachments"]'
INSIDE = 'middleware = ["errors", "log", "refusals", "lane", "tests.faults.traps:traps", "session", "attachments"]'


@pytest.mark.parametrize("place", [OUTSIDE, INSIDE], ids=["outside", "inside"])
async def test_d35_whatever_a_middleware_raises_is_said_once_and_hurts_nobody_else(rig: Rig, place: str) -> None:
    """Row D35: an exception, a stray CancelledError, a BaseException, sys.exit(): told, settled, nothing else ends."""
    rig.options["bots.main"] = place
    process = await rig.start()
    bystander = await rig.ask(1, more="slow3")
    await rig.until_shown(bystander, "w1.")
    harmed = {trap: await rig.ask(number, more=trap) for number, trap in enumerate(("raise", "cancelled"), 2)}
    harmed |= {trap: await rig.ask(number, more=trap) for number, trap in enumerate(("wild", "exit"), 4)}
    for thread in harmed.values():
        await rig.until_shown(thread, "Something went wrong")
    await rig.until_ended(bystander, 1)
    again = await rig.ask(6, thread=harmed["cancelled"])
    await rig.until_ended(again, 6)
    assert process.returncode is None
    assert await rig.end(process) == 0
    process = await rig.start()
    last = await rig.ask(7)
    await rig.until_ended(last, 7)
    assert [len(rig.posts(thread)) for thread in harmed.values()] == [1, 2, 1, 1], "nothing was tried again"
    assert await rig.end(process) == 0


async def test_d33_a_loop_that_stands_still_for_a_second_loses_nothing(rig: Rig) -> None:
    """Row D33: the event loop blocked for 1 s: acknowledged in time, connected still, every answer whole, in order."""
    rig.options["bots.main"] = OUTSIDE
    process = await rig.start()
    running = await rig.ask(1, more="slow4")
    await rig.until_shown(running, "w1.")
    blocking = await rig.ask(2, more="block")
    meanwhile = [await rig.ask(number) for number in range(3, 8)]
    for number, thread in enumerate((running, blocking, *meanwhile), 1):
        await rig.until_ended(thread, number)
        assert len(rig.posts(thread)) == 1
    await rig.slack.settled()
    assert not rig.slack.unacked
    assert len([delivery for delivery in rig.slack.deliveries if len(delivery.attempts) > 1]) == 0
    assert rig.slack.sockets() == 1
    assert sorted(rig.turns()) == list(range(1, 8))
    assert await rig.end(process) == 0


WRONG = {
    "no TOML": "[bots",
    "an unknown key": "[bots.main]\nworkdirr = 1",
    "no middleware": '[bots.main]\nmiddleware = ["tests.faults.traps:nothing"]',
    "an unset variable": '[bots.main.slack]\nbot_token = "${NOT_SET}"',
    "no text": "\x00",
}


async def test_d36_a_wrong_new_config_changes_nothing(rig: Rig) -> None:
    """Row D36: each reload that is wrong is refused with its reason; the turn runs on, the old config holds."""
    process = await rig.start()
    right = rig.config.read_text()
    thread = await rig.ask(1, more="slow3")
    await rig.until_shown(thread, "w1.")
    for wrong in WRONG.values():
        begins = rig.log.stat().st_size
        rig.config.write_text(wrong)
        process.send_signal(signal.SIGHUP)
        await rig.until_logged("reload_refused", begins)
    rig.config.unlink()
    begins = rig.log.stat().st_size
    process.send_signal(signal.SIGHUP)
    await rig.until_logged("reload_refused", begins)
    await rig.until_ended(thread, 1)
    other = await rig.ask(2)
    await rig.until_ended(other, 2)
    rig.config.write_text(right.replace("queue = 100", "queue = 99"))
    process.send_signal(signal.SIGHUP)
    await rig.until_logged("reloaded")
    last = await rig.ask(3)
    await rig.until_ended(last, 3)
    assert await rig.end(process) == 0
