"""Finds and ends the processes that a worker has started: tools run in sessions of their own, out of reach of a signal
to the worker's group."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Collection, Sequence

import psutil

from botkit.claude import keeper
from botkit.claude.environment import MARKER


async def family(pid: int, marker: str) -> frozenset[psutil.Process]:
    """Everything below a worker, also what has left it to run by itself but still carries its marker."""
    return await asyncio.to_thread(_family, pid, marker)


async def tools(pid: int, marker: str) -> frozenset[psutil.Process]:
    """The worker's running tools: those of its family that have a session of their own."""
    return frozenset(each for each in await family(pid, marker) if _session(each.pid) != _session(pid))


async def end(processes: Collection[psutil.Process], patience: float) -> bool:
    """Wait for them to end, then kill what is left; True when none is alive."""
    if not processes:
        return True
    _, alive = await asyncio.to_thread(psutil.wait_procs, list(processes), patience)
    if not alive:
        return True
    kill(alive)
    _, alive = await asyncio.to_thread(psutil.wait_procs, alive, 2.0)
    return not alive


def kill(processes: Collection[psutil.Process]) -> None:
    for each in processes:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            each.kill()


def resident(pids: Sequence[int]) -> int:
    """Bytes of memory that processes hold."""
    total = 0
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            total += psutil.Process(pid).memory_info().rss
    return total


def _family(pid: int, marker: str) -> frozenset[psutil.Process]:
    found: set[psutil.Process] = set()
    for each in keeper.marked(f"{MARKER}={marker}", pid) - {pid}:
        with contextlib.suppress(psutil.NoSuchProcess):
            found.add(psutil.Process(each))
    return frozenset(found)


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1
