"""What botkit costs under the bot, beside the agent SDK: a line of the CLI, a turn, a hundred live sessions."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from botkit.claude import wire
from botkit.claude.exchange import Exchange
from botkit.claude.feed import Feed
from botkit.claude.framing import Framer
from botkit.claude.options import TurnLimits
from botkit.claude.todos import TaskList
from tests.benchmarks import floor, stub
from tests.benchmarks.live import make_stub, sessions, turn
from tests.benchmarks.peer import ask_sdk, bare_environ
from tests.benchmarks.rows import Row

LIMIT = 10_000_000
"""Bytes of the longest line."""
PARALLEL = 16


async def measure(lines: int = 100_000, turns: int = 150, live: int = 100, seconds: float = 4.0) -> list[Row]:
    """`seconds`: how long the paced sessions speak."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        cli = make_stub(root)
        environ = bare_environ(root)
        own_line, own_burst = (min(_fold(lines, together) for _ in range(3)) for together in (1, 20))
        own_piped = await _piped(root, cli, lines)
        own_rate, own_cpu = await _parallel(root, cli, turns)
        floor_rate = await floor.parallel(cli, PARALLEL, turns)
        own_share, floor_share = await _paced(root, cli, live, seconds), await floor.paced(cli, live, seconds)
        sdk_line = (await ask_sdk("lines", lines, str(cli), environ, root))["line"][0]
        sdk = await ask_sdk("parallel", turns, str(cli), environ, root)
        sdk_share = (await ask_sdk("paced", live, str(cli), environ, root))["share"][0]
    sdk_rate, sdk_cpu = sdk["turns"][0], sdk["cpu"][0]
    return [
        Row("a line of the CLI becomes an event", own_line * 1e6, "µs", most=2.5),
        Row("— one of 20 that come together", own_burst * 1e6, "µs"),
        Row("— with the pipe before it and the reader behind it, CPU", own_piped * 1e6, "µs"),
        Row("— agent SDK client, the same", sdk_line * 1e6, "µs", sdk_line / own_piped),
        Row(f"turns at {PARALLEL} parallel on the stub", own_rate, "/s", own_rate / sdk_rate, least=4),
        Row("— agent SDK client", sdk_rate, "/s"),
        Row("— asyncio alone, nothing done with the lines", floor_rate, "/s", own_rate / floor_rate),
        Row("— CPU of a turn", own_cpu * 1e6, "µs"),
        Row("— CPU of a turn, agent SDK client", sdk_cpu * 1e6, "µs", sdk_cpu / own_cpu),
        Row(f"{live} live sessions at 50 deltas/s", own_share * 100, "% of a core", most=6),
        Row("— agent SDK client", sdk_share * 100, "% of a core", sdk_share / own_share),
        Row("— asyncio alone, nothing done with the lines", floor_share * 100, "% of a core", floor_share / own_share),
    ]


def _fold(lines: int, together: int) -> float:
    """Cut, decode, fold, queue: all that happens between the pipe and the turn's reader, of lines of which so many
    come together. Seconds a line."""
    chunk, feed = stub.DELTA * together, Feed()
    exchange = Exchange(feed, TurnLimits(), todos=TaskList(), baseline=0.0, write=_nowhere)
    framer = Framer(LIMIT)
    began = time.process_time()
    for _ in range(lines // together):
        for line in wire.read(framer.feed(chunk)):
            if isinstance(line, wire.Stream):
                exchange.stream(line)
    return (time.process_time() - began) / lines


def _nowhere(_: bytes) -> None:
    """Nothing is asked, so nothing is answered."""


async def _piped(root: Path, cli: Path, lines: int) -> float:
    """One turn of so many deltas: CPU seconds a line."""
    async with sessions(root, cli, 1) as (runner, (session,)):
        began = time.process_time()
        await turn(runner, session, str(lines))
        return (time.process_time() - began) / lines


async def _parallel(root: Path, cli: Path, turns: int) -> tuple[float, float]:
    """Turns of 20 deltas a second, and CPU seconds of a turn."""
    async with sessions(root, cli, PARALLEL) as (runner, made):
        total = turns * PARALLEL

        async def several(number: int) -> None:
            for _ in range(turns):
                await turn(runner, made[number], "20")

        began, spent = time.monotonic(), time.process_time()
        await asyncio.gather(*map(several, range(PARALLEL)))
        return total / (time.monotonic() - began), (time.process_time() - spent) / total


async def _paced(root: Path, cli: Path, live: int, seconds: float) -> float:
    """The share of a core while all sessions speak at once."""
    async with sessions(root, cli, live) as (runner, made):
        began, spent = time.monotonic(), time.process_time()
        await asyncio.gather(*(turn(runner, session, f"{seconds * 50:.0f} 0.02") for session in made))
        return (time.process_time() - spent) / (time.monotonic() - began)
