"""botkit stops, is killed, and comes back: nothing is lost, nothing is said twice, and it is said that it happened."""

from __future__ import annotations

import asyncio
import signal
import sys

import psutil
import pytest

from tests.journeys.office import Office


async def test_a_session_goes_on_after_a_restart_between_turns(office: Office) -> None:
    process = await office.start()
    thread = await office.mention("remember the number 42")
    await office.until_shown(thread, "remember the number 42")
    assert await office.end(process) == 0
    process = await office.start()
    await thread.say("!history")
    await office.until_shown(thread, "I see 2 prompts")
    assert await office.end(process) == 0


async def test_a_turn_in_progress_is_finished_before_botkit_stops(office: Office) -> None:
    process = await office.start()
    thread = await office.mention("!words 40 40ms")
    await office.until_shown(thread, "word2")
    assert await office.end(process) == 0
    await office.until_shown(thread, "word40")
    assert len(office.posts(thread)) == 1


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_a_turn_cut_off_goes_on_in_the_same_message_after_the_restart(
    office: Office, how: signal.Signals
) -> None:
    process = await office.start()
    thread = await office.mention("!words 100000 50ms")
    await office.until_shown(thread, "word5")
    before = workers_of(process.pid)
    await office.end(process, how)
    await asyncio.to_thread(psutil.wait_procs, before, timeout=3)
    assert not [each for each in before if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    process = await office.start()
    await office.until(thread, lambda shown: "interrupted" in "".join(shown).lower() and len(office.model.asks) > 1)
    assert "interrupted by a restart" in office.model.asks[-1].prompt
    assert len(office.posts(thread)) == 1, "it goes on in its message"
    await thread.say("!stop")
    await office.until_shown(thread, "Stopped.")
    await office.end(process)


async def test_what_waited_in_the_queue_is_answered_after_a_kill(office: Office) -> None:
    process = await office.start()
    thread = await office.mention("!words 60 50ms")
    await office.until_shown(thread, "word2")
    await thread.say("!say I was waiting", person="bob")
    await office.until_shown(thread, "1 other turn")
    await office.end(process, signal.SIGKILL)
    process = await office.start()
    await office.until_shown(thread, "I was waiting")
    await office.end(process)
    assert sum("I was waiting" in text for text in office.shown(thread)) == 1


async def test_an_open_approval_is_closed_by_a_restart_and_asked_anew(office: Office) -> None:
    process = await office.start()
    thread = await office.mention('!tool Bash {"command": "touch made.txt"}\n!say it is done')
    first = await office.until_shown(thread, "asks to use Bash")
    await office.end(process, signal.SIGKILL)
    process = await office.start()
    await office.until_shown(thread, "Closed by a restart")
    assert "[Allow]" not in first.shown
    asked = await office.until_shown(thread, "[Allow]")
    await asked.press("Allow")
    await office.until_shown(thread, "it is done")
    await office.end(process)


async def test_messages_written_while_botkit_was_down_are_caught_up(office: Office) -> None:
    process = await office.start()
    thread = await office.mention("!say hello")
    await office.until_shown(thread, "hello")
    await office.end(process)
    office.place.lose()
    await thread.say("!say missed you", person="bob")
    process = await office.start()
    await office.until_shown(thread, "missed you")
    await office.end(process)


async def test_a_claude_that_dies_in_mid_turn_is_said_and_the_session_goes_on(office: Office) -> None:
    process = await office.start()
    thread = await office.mention("!words 1000 50ms")
    await office.until_shown(thread, "word5")
    workers = workers_of(process.pid)
    assert workers
    for worker in workers:
        worker.kill()
    shown = await office.until_shown(thread, "ended unexpectedly")
    assert "word5" in shown.shown, "what was said stays"
    await thread.say("!history")
    await office.until_shown(thread, "I see 2 prompts")
    await office.end(process)


async def test_a_claude_that_hangs_is_ended_and_said(office: Office) -> None:
    office.options["claude.limits"] = 'silence = "2s"'
    async with office.running():
        thread = await office.mention("!hang")
        await office.until_shown(thread, "no sign of life")
        await thread.say("!say back again")
        await office.until_shown(thread, "back again")


def workers_of(pid: int) -> list[psutil.Process]:
    """The live CLI processes of a botkit."""
    children = psutil.Process(pid).children(recursive=True)
    return [child for child in children if "claude" in child.name() and child.name() != sys.executable]
