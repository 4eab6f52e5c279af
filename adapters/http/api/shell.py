"""Runs a command in a bot's sandbox: in the worker's surroundings, for a time, and with nothing left behind."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import dataclass

from botkit.claude import reap
from botkit.surroundings import Surroundings

OUTPUT = 256 * 1024
"""Bytes kept of each of its outputs."""
FAREWELL = 2.0
"""Seconds to end by itself once it was told to."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a command. `exit_code` None: it was ended."""

    exit_code: int | None
    stdout: bytes
    stderr: bytes
    truncated: bool
    timed_out: bool


async def run(around: Surroundings, command: str, seconds: float) -> Ran:
    """Raises OSError when the launcher cannot be started."""
    child = _Child()
    transport, _ = await asyncio.get_running_loop().subprocess_exec(
        lambda: child,
        *(*around.launcher, "bash", "-c", command),
        cwd=around.workdir,
        env=dict(around.environment),
        stdin=asyncio.subprocess.DEVNULL,
        process_group=0,
    )
    timed_out = False
    try:
        try:
            async with asyncio.timeout(seconds):
                await child.exited.wait()
        except TimeoutError:
            timed_out = True
    finally:
        # Also when it has ended by itself: what it left running in the background goes too.
        await asyncio.shield(_end(transport.get_pid(), around.marker, child))
        exit_code = transport.get_returncode()
        transport.close()
    out, err = (bytes(child.kept[each]) for each in (1, 2))
    return Ran(None if timed_out else exit_code, out, err, child.cut, timed_out)


class _Child(asyncio.SubprocessProtocol):
    """Keeps the beginning of what the command says; the rest is read too, or it would stand still."""

    def __init__(self) -> None:
        self.exited, self.silent = asyncio.Event(), asyncio.Event()
        self.kept = {1: bytearray(), 2: bytearray()}
        self.cut = False
        self._open = 2

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        kept = self.kept[fd]
        self.cut = self.cut or len(kept) + len(data) > OUTPUT
        kept += data[: OUTPUT - len(kept)]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        del fd, exc
        self._open -= 1
        if not self._open:
            self.silent.set()

    def process_exited(self) -> None:
        self.exited.set()


async def _end(pid: int, marker: str, child: _Child) -> None:
    """The command and whatever it has started; then what they had said is read to its end."""
    family = await reap.family(pid, marker)
    if not child.exited.is_set():
        _signal(pid, signal.SIGTERM)
        await _within(child.exited)
    family |= await reap.family(pid, marker)
    _signal(pid, signal.SIGKILL)
    reap.kill(family)
    await _within(child.exited)
    await reap.end(family, 0.2)
    await _within(child.silent)


async def _within(event: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(FAREWELL):
            await event.wait()


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
