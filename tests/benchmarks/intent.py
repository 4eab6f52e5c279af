"""First word in a conversation whose worker was closed, with a sign that a message comes and without one."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from botkit.model import Conversation, User
from tests.benchmarks.desk import Desk, opened
from tests.benchmarks.rows import Row, median_ms

PROMPT = "!words 12 20ms"
WRITES = 1.5
"""Seconds from the first key to the message: whoever types a question needs longer."""


async def measure(n: int = 8) -> list[Row]:
    with tempfile.TemporaryDirectory() as place:
        async with opened(Path(place), spares=0, workers=4) as (desk, _):
            threads = [await _parked(desk, number) for number in range(2 * n)]
            cold = [await _message(desk, thread, sign=False) for thread in threads[:n]]
            warm = [await _message(desk, thread, sign=True) for thread in threads[n:]]
    without, ready = median_ms(cold), median_ms(warm)
    return [
        Row("first word, parked session, after a sign that the message comes", ready, "ms"),
        Row("— without a sign", without, "ms", without / ready, 3),
    ]


async def _parked(desk: Desk, number: int) -> Conversation:
    """A conversation that has a session, but no worker any more."""
    where = await desk.thread(f"parked{number}")
    await desk.ask(where, PROMPT)
    await desk.done()
    await desk.leave(where)
    return where


async def _message(desk: Desk, where: Conversation, *, sign: bool) -> float:
    """Seconds from a message to its first word on the screen."""
    if sign:
        desk.bot.warm(where, User(desk.slack.person("alice").id))
    await asyncio.sleep(WRITES)
    began = await desk.ask(where, PROMPT)
    posted = await desk.posted(where, began)
    await desk.done()
    await desk.leave(where)
    return posted - began
