"""botkit works for a long time, and does not grow."""

from __future__ import annotations

import asyncio
import os
import time

import psutil
import structlog

from adapters.slack.testing import Post
from tests.faults.rig import Rig

SECONDS = float(os.environ.get("BOTKIT_SOAK_SECONDS", "15"))
"""`make soak` takes an hour."""
WARM = 0.4
"""The part of it after which everything has reached its size."""
AT_ONCE = 6
GROWTH = 24.0
"""Megabytes that short runs may grow by: caches fill, and Python gives little back."""
PER_HOUR = 10.0
"""Megabytes an hour, from a quarter of an hour on."""

log = structlog.get_logger()


async def test_d37_memory_and_descriptors_do_not_grow(rig: Rig) -> None:
    """Row D37: RSS slope about 0, descriptors flat, no worker above the ceiling, every question answered once."""
    rig.options["claude.pool"] = "freeze_after = 1\npark_after = 3"
    process = await rig.start()
    watched, began = psutil.Process(process.pid), time.monotonic()
    samples: list[tuple[float, float, int]] = []
    number = 0
    while (spent := time.monotonic() - began) < SECONDS:
        number = await _round(rig, number)
        samples.append((spent, watched.memory_info().rss / 1e6, watched.num_fds()))
    warm = [sample for sample in samples if sample[0] >= WARM * SECONDS]
    growth, hours = _median(warm[-5:]) - _median(warm[:5]), (1 - WARM) * SECONDS / 3600
    log.info("soaked", questions=number, megabytes=round(samples[-1][1], 1), growth=round(growth, 2))
    assert growth < (PER_HOUR * hours + 2.0 if SECONDS >= 900 else GROWTH)
    assert max(fds for _, _, fds in warm) <= max(fds for _, _, fds in samples[: len(samples) // 2 + 1]) + AT_ONCE
    assert len(watched.children()) <= 1 + 4 + 1
    assert watched.num_threads() < 20
    assert not rig.violations()
    assert len(rig.turns()) == number
    assert await rig.end(process) == 0
    assert not rig.workers()


async def _round(rig: Rig, number: int) -> int:
    """Some conversations at once, each with a question; the loopback Slack forgets what it no longer needs."""
    threads: list[Post] = []
    for _ in range(AT_ONCE):
        number += 1
        threads.append(await rig.ask(number))
    async with asyncio.timeout(60):
        for asked, thread in zip(range(number - AT_ONCE + 1, number + 1), threads, strict=True):
            await rig.until_ended(thread, asked)
            assert len(rig.posts(thread)) == 1
    rig.slack.deliveries.clear()
    rig.slack.calls.clear()
    return number


def _median(samples: list[tuple[float, float, int]]) -> float:
    found = sorted(rss for _, rss, _ in samples)
    return found[len(found) // 2]
