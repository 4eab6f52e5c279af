"""A process stands still past its leases, another does its work, and then it goes on as if nothing had happened."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from adapters.slack.testing import LoopbackSlack
from botkit.clock import TTL
from botkit.stores import open_store
from botkit.testing.checker import judge
from tests.faults import history
from tests.faults.rig import PATIENCE, Rig

TAKEN_OVER = TTL + PATIENCE
"""Seconds until the other process has answered what it was left."""


@pytest.mark.parametrize("moment", ["in mid-turn", "as its turns end"])
async def test_b18_a_process_that_stood_still_neither_loses_nor_doubles_an_answer(
    store_url: str, tmp_path: Path, moment: str
) -> None:
    """Two processes share their work; whichever has the most of it is stopped (SIGSTOP) until the other has answered
    all, and then continued: what it has still to say stays unsaid, and the journal is the other's."""
    async with LoopbackSlack(speed=30.0, limits=False) as slack:
        rig = Rig(slack, tmp_path, store_url)
        try:
            await _stood_still(rig, moment)
        finally:
            for process in rig.processes:
                if process.returncode is None:
                    process.send_signal(signal.SIGCONT)
            await rig.close()


async def _stood_still(rig: Rig, moment: str) -> None:
    stopped = await rig.start()
    seconds = 4 if moment == "in mid-turn" else 1
    threads = [await rig.ask(number, more=f"slow{seconds}") for number in range(1, 5)]
    follow = [await rig.ask(number + 4, thread=thread) for number, thread in enumerate(threads, 1)]
    for number, thread in enumerate(threads, 1):
        await rig.until_shown(thread, f"w{number}.{7 if moment == 'in mid-turn' else 8}")
    os.kill(stopped.pid, signal.SIGSTOP)
    other = await rig.start(connected=False)
    await rig.until_logged("ready")
    try:
        for number, thread in enumerate(threads, 1):
            await rig.until_ended(thread, number, number + 4, within=TAKEN_OVER)
    finally:
        before = [rig.shown(thread) for thread in threads]
        os.kill(stopped.pid, signal.SIGCONT)
    # Both work on: what the first still wants to say, it would say within this time.
    more = [await rig.ask(number + 8, thread=thread) for number, thread in enumerate(threads, 1)]
    for number, thread in enumerate(threads, 1):
        await rig.until_ended(thread, number + 8)
    await rig.until_logged("turn_lost")
    for thread, shown in zip(threads, before, strict=True):
        assert rig.shown(thread).startswith(shown), "what the other process has answered stays as it is"
    for process in (stopped, other):
        assert await rig.end(process) == 0
    verdict = judge(history.read(rig.slack, threads))
    assert not verdict.complaints, f"{verdict}\n{rig.tail()}"
    assert verdict.answered == len(threads) + len(follow) + len(more)
    async with open_store(rig.store) as store:
        assert not await store.take_over("main", "the test", await store.owners(), 1e12)
        assert not await store.dead()
