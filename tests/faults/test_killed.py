"""botkit is killed again and again in the middle of its work, and nobody who writes to it should ever notice."""

from __future__ import annotations

import asyncio
import os
import re
from collections import Counter
from pathlib import Path
from random import Random

import structlog

from adapters.slack.testing import LoopbackSlack, Post
from botkit.stores import open_store
from botkit.testing.checker import judge
from tests.faults import history
from tests.faults.nemesis import Nemesis
from tests.faults.rig import Rig

KILLS = int(os.environ.get("BOTKIT_FAULTS_KILLS", "20"))
SEED = os.environ.get("BOTKIT_FAULTS_SEED", "1")
EVERY = 0.3
"""Seconds between two questions."""
CHANNELS = ("general", "second", "third", "fourth")
LONGEST = 120.0
"""Seconds until everything is answered after the last kill."""

log = structlog.get_logger()


async def test_d29_no_turn_is_lost_and_no_reply_doubled_when_botkit_is_killed(store_url: str, tmp_path: Path) -> None:
    """Row D29: SIGKILL at random moments, each event delivered twice: 0 lost, 0 doubled, nothing alive after 2 s.

    A question is accepted when Slack was told so. `BOTKIT_FAULTS_KILLS` and `BOTKIT_FAULTS_SEED` choose another run.
    """
    async with LoopbackSlack(speed=30.0, limits=False) as slack:
        slack.fault("events", "duplicate", times=10**9)
        for name in CHANNELS[1:]:
            slack.channel(name, *(slack.person(each) for each in ("alice", "bob")), slack.app)
        rig = Rig(slack, tmp_path, store_url)
        try:
            await run(rig, Nemesis(rig, Random(f"{SEED}-{store_url.partition(':')[0]}")), KILLS)
        finally:
            await rig.close()


async def run(rig: Rig, nemesis: Nemesis, kills: int) -> None:
    """Ask all the time while botkit is killed so often, then judge what happened."""
    threads: list[Post] = []
    asking = asyncio.create_task(_ask(rig, threads, Random(SEED)))
    watching = asyncio.create_task(nemesis.watch())
    process = await nemesis.kill(kills)
    asking.cancel()
    await asyncio.wait([asking])
    await _until_answered(rig, threads)
    # Once more everything that was ever delivered: it must change nothing.
    before = _accepted_turns(rig, threads)
    for delivery in list(rig.slack.deliveries):
        await rig.slack.redeliver(delivery)
    await rig.slack.settled(LONGEST)
    await _until_answered(rig, threads)
    await nemesis.stop(process)
    watching.cancel()
    await asyncio.wait([watching])
    await nemesis.close()
    await _report(rig, nemesis, threads, before)


def _accepted_turns(rig: Rig, threads: list[Post]) -> Counter[str]:
    """How often the CLI was given each accepted question. What Slack gave up on may be taken in when it comes again."""
    accepted = {event.message for event in history.read(rig.slack, threads).accepted}
    return Counter(str(number) for number in rig.turns() if str(number) in accepted)


async def _report(rig: Rig, nemesis: Nemesis, threads: list[Post], before: Counter[str]) -> None:
    happened = history.read(rig.slack, threads)
    happened.save(rig.root / "history.jsonl")
    verdict = judge(happened)
    log.info("verdict", kills=nemesis.kills, turns=len(rig.turns()), verdict=str(verdict))
    assert not verdict.complaints, f"{verdict}\n{rig.root}"
    assert not nemesis.complaints, "\n".join(sorted(set(nemesis.complaints)))
    after = _accepted_turns(rig, threads)
    assert {number: after[number] for number in before} == before, "a redelivered event was answered"
    assert verdict.accepted >= nemesis.kills, "too little happened to prove anything"
    assert not [violation for violation in rig.slack.violations if "acknowledged" not in violation.what]
    async with open_store(rig.store) as store:
        left = await store.take_over("main", "the test", await store.owners(), 1e12)
        buried = [entry.id for entry, _ in await store.dead()]
    assert not left, "something is still in the journal"
    assert len(buried) == verdict.notices, "what was given up visibly is what the operator finds"


async def _ask(rig: Rig, threads: list[Post], random: Random) -> None:
    """One question after the other, in old and new threads, also while nobody is there to hear them."""
    number = 0
    while True:
        number += 1
        if len(threads) < 3 * len(CHANNELS):
            threads.append(await rig.ask(number, CHANNELS[number % len(CHANNELS)]))
        else:
            thread = random.choice(threads)
            await rig.ask(number, thread.channel.name, thread)
        await asyncio.sleep(EVERY)


async def _until_answered(rig: Rig, threads: list[Post]) -> None:
    """Every delivery has found its end, and every accepted question its answer or a notice."""
    await rig.slack.settled(LONGEST)

    def quiet() -> bool:
        lost = re.compile(r": (lost|never finished)$")
        return not any(lost.search(complaint) for complaint in judge(history.read(rig.slack, threads)).complaints)

    try:
        await rig.slack.until(quiet, within=LONGEST)
    except TimeoutError:
        raise AssertionError(f"{judge(history.read(rig.slack, threads))}\n{rig.root}\n{rig.tail()}") from None
