"""Starts the servers that the gateway's benchmarks compare, and weighs what they took."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec
import psutil

from tests.benchmarks.gateway_server import Ready, Wanted
from tests.benchmarks.peer import ROOT, bare_environ

PATIENCE = 30.0


@asynccontextmanager
async def server(wanted: Wanted) -> AsyncGenerator[Ready]:
    """It runs while inside."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.gateway_server", msgspec.json.encode(wanted).decode()),
        env={**bare_environ(Path(wanted.root)), "PYTHONPATH": str(ROOT)},
        stdin=PIPE,
        stdout=PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            said = await process.stdout.readline()
        yield msgspec.json.decode(said, type=Ready)
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(PATIENCE):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def spent(ready: Ready) -> float:
    """Seconds of a core that the server has used, all its threads together."""
    times = psutil.Process(ready.pid).cpu_times()
    return times.user + times.system


@contextmanager
def on_core(core: int | None) -> Generator[None]:
    """Keep this process, which asks, off the server's core."""
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
