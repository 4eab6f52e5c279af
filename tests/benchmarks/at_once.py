"""Five people write at the same moment and five spares are warm: nobody waits for the others."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.desk import Desk, opened
from tests.benchmarks.rows import Row, median_ms

PROMPT = "!words 60 50ms"
"""Three seconds of an answer."""
SETTLE = 2.0
"""Seconds for CLIs that have just started to become quiet."""


@dataclass
class _Times:
    """Seconds from the message, of the last one in each round."""

    first: list[float] = field(default_factory=list[float])
    ended: list[float] = field(default_factory=list[float])


async def measure(n: int = 3, people: int = 5) -> list[Row]:
    alone, together = _Times(), _Times()
    with tempfile.TemporaryDirectory() as place:
        async with opened(Path(place), spares=people, workers=2 * people + 2) as (desk, _):
            for number in range(n):
                await _round(desk, f"alone{number}", alone, people, 1)
                await _round(desk, f"together{number}", together, people, people)
    one, many = statistics.median(alone.ended), statistics.median(together.ended)
    return [
        Row("a new conversation alone: message to the end of a 3 s answer", one * 1000, "ms"),
        Row(f"— the last of {people} at once, {people} spares warm", many * 1000, "ms", many / one, most=1.1),
        Row("— first word alone", median_ms(alone.first), "ms"),
        Row(f"— the last first word of {people} at once", median_ms(together.first), "ms"),
    ]


async def _round(desk: Desk, name: str, times: _Times, spares: int, people: int) -> None:
    """So many people write at once; notes the last one's times."""
    threads = [await desk.thread(f"{name}-{number}") for number in range(people)]
    await desk.warm(spares)
    await asyncio.sleep(SETTLE)
    desk.runner.ended.clear()
    began = await asyncio.gather(*(desk.ask(where, PROMPT) for where in threads))
    posted = [await desk.posted(where, at) for where, at in zip(threads, began, strict=True)]
    await desk.done()
    times.first.append(max(posted) - began[0])
    times.ended.append(max(desk.runner.ended) - began[0])
    for where in threads:
        await desk.leave(where)
