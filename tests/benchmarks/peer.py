"""Runs `tests.benchmarks.sdk` in a process of its own and gives its numbers."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0
"""Seconds one peer may take."""


async def ask_sdk(
    what: str, times: int, argument: str, environ: Mapping[str, str], cwd: Path
) -> dict[str, list[float]]:
    """`what` is a function of `tests.benchmarks.sdk`."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.sdk", what, str(times), argument),
        env={**environ, "PYTHONPATH": str(ROOT)},
        cwd=cwd,
        stdout=PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            said, _ = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return msgspec.json.decode(said, type=dict[str, list[float]])


def bare_environ(home: Path) -> dict[str, str]:
    """Nothing of the machine's but the path."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home)}
