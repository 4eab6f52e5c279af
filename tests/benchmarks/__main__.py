"""Measures botkit on this machine: `python -m tests.benchmarks [NAME ...]`; prints one Markdown table.

It only tells: it exits 0 also where something falls short of what is expected. Absolute numbers depend on the machine
and on what else it does; ratios compare things measured in the same run.
"""

from __future__ import annotations

import asyncio
import io
import os
import sys
import time
from collections.abc import Awaitable, Callable

from botkit.logs import configure
from tests.benchmarks import at_once, crowd, first_word, gateway, idle, intent, onion, streams, workers
from tests.benchmarks.rows import Row, table

BENCHMARKS: dict[str, Callable[[], Awaitable[list[Row]]]] = {
    "first_word": first_word.measure,
    "intent": intent.measure,
    "at_once": at_once.measure,
    "workers": workers.measure,
    "crowd": crowd.measure,
    "onion": onion.measure,
    "streams": streams.measure,
    "gateway": gateway.measure,
    "idle": idle.measure,
}
LIMIT = 180.0
"""Seconds one of them may take."""


async def measure(names: list[str]) -> list[Row]:
    rows: list[Row] = []
    for name in names:
        began = time.monotonic()
        try:
            async with asyncio.timeout(LIMIT):
                rows += await BENCHMARKS[name]()
        except TimeoutError:
            print(f"{name} took longer than {LIMIT:.0f} s and is left out", file=sys.stderr)
        else:
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return rows


def main() -> None:
    names = sys.argv[1:] or list(BENCHMARKS)
    if unknown := set(names) - BENCHMARKS.keys():
        sys.exit(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    configure("warning", "console", stream=io.StringIO())
    rows = asyncio.run(measure(names))
    print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}\n")
    print(table(rows))
    short = [row.what.removeprefix("— ") for row in rows if row.met is False]
    print(f"\nShort of what is expected: {'; '.join(short) or 'nothing'}")


if __name__ == "__main__":
    main()
