"""One CLI process: its lines in and out, freezing it, and ending it for certain."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import psutil
import structlog

from botkit.claude import reap
from botkit.claude.framing import Framer
from botkit.claude.intake import Intake, Output
from botkit.errors import ClaudeMissing

TAIL = 4096
"""Bytes of stderr that are kept."""
FAREWELL = 3.0
"""Seconds a CLI has to end at each step of closing: after its stdin ended, after SIGTERM, after SIGKILL."""
AFTERGLOW = 0.5
"""Seconds to read on after the CLI has ended: a tool that lives on may hold the pipe open for ever."""
ATTEMPTS = 5
_SCARCE = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)

log = structlog.get_logger()


def use_pidfd_watcher() -> None:
    """Watch the running loop's children by file descriptor. Python 3.11's default starts a thread for each of them."""
    if sys.version_info < (3, 12) and hasattr(os, "pidfd_open"):
        watcher = asyncio.PidfdChildWatcher()  # pyright: ignore[reportDeprecated] (not on 3.11)
        with contextlib.suppress(RuntimeError):  # before a loop runs, the policy attaches it when one does
            watcher.attach_loop(asyncio.get_running_loop())
        asyncio.set_child_watcher(watcher)  # pyright: ignore[reportDeprecated] (not on 3.11)


class Process(asyncio.SubprocessProtocol):
    """A child whose output arrives by callback, in order.

    `on_lines` gets whole lines, None for one that was too long; `on_exit` is called once, after the last line.
    """

    def __init__(
        self,
        marker: str,
        limit: int,
        intake: Intake,
        on_lines: Callable[[Sequence[bytes | None]], None],
        on_exit: Callable[[], None],
    ) -> None:
        self.marker = marker
        self.exit_code: int | None = None
        self.ended = asyncio.Event()
        self.frozen = False
        self._framer = Framer(limit)
        self._stderr: deque[bytes] = deque()
        self._intake, self._on_lines, self._on_exit = intake, on_lines, on_exit
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: asyncio.WriteTransport | None = None
        self._loop = asyncio.get_running_loop()
        self._gone = False
        self._outputs: list[Output] = []

    async def spawn(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> None:
        """Start it. A machine short of processes, files or memory is asked again a few times. Raises ClaudeMissing."""
        for attempt in range(ATTEMPTS):
            try:
                await self._spawn(argv, cwd, env)
            except OSError as problem:
                if problem.errno not in _SCARCE or attempt + 1 == ATTEMPTS:
                    raise ClaudeMissing(f"the Claude Code CLI cannot be started: {problem}") from problem
                log.warning("spawn_delayed", problem=str(problem), attempt=attempt + 1)
                await asyncio.sleep(0.1 * 2**attempt)  # nothing signals that the machine has room again
            else:
                return

    async def _spawn(self, argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> None:
        stdout = Output(self._intake, self._said, self._silent)
        with stdout, Output(self._intake, self._complained, self._silent) as stderr:
            self._outputs = [stdout, stderr]
            # A group of its own, but botkit's session: so the kernel ends it, stopped or not, when botkit is gone.
            asyncios = isinstance(self._loop, asyncio.BaseEventLoop)  # uvloop, of some web servers, knows no groups
            group: dict[str, Any] = {"process_group": 0} if asyncios else {"preexec_fn": os.setpgrp}
            self._transport, _ = await self._loop.subprocess_exec(
                lambda: self, *argv, cwd=cwd, env=dict(env), stdout=stdout.child, stderr=stderr.child, **group
            )

    @property
    def pid(self) -> int:
        return self._transport.get_pid() if self._transport else 0

    @property
    def stderr(self) -> str:
        """The last lines the CLI wrote there."""
        return b"".join(self._stderr)[-TAIL:].decode("utf-8", "replace").strip()

    def write(self, data: bytes) -> None:
        """Hand over a line. Never waits: what the CLI does not read stays in memory."""
        if self._stdin and not self._gone and not self._stdin.is_closing():
            self._stdin.write(data)
            self._intake.expect()

    def freeze(self) -> None:
        self.frozen = True
        self._signal_group(signal.SIGSTOP)

    def thaw(self) -> None:
        if self.frozen:
            self.frozen = False
            self._signal_group(signal.SIGCONT)

    async def close(self, *, childless: bool = False) -> bool:
        """End it: stdin, SIGTERM, SIGKILL, each with its time, and whatever it has started. True when all is gone.

        `childless`: it has started nothing, so that nothing is looked for if it ends by itself.
        """
        if self._transport is None:
            return True
        family = frozenset[psutil.Process]() if childless else await reap.family(self.pid, self.marker)
        self.thaw()
        if self._stdin:
            self._stdin.close()
        if not await self._ends():
            return await self.kill()
        return await reap.end(family, 0.2)

    async def kill(self) -> bool:
        """End it by signals. The CLI ends its tools on SIGTERM; after SIGKILL it cannot, so they are found first."""
        if self._transport is None:
            return True  # it was never born
        family = await reap.family(self.pid, self.marker)
        self.thaw()
        self._signal_group(signal.SIGTERM)
        if not await self._ends():
            family |= await reap.family(self.pid, self.marker)
            self._signal_group(signal.SIGKILL)
            reap.kill(family)
            await self._ends()
        gone = await reap.end(family, 0.2)
        return gone and self.ended.is_set()

    async def _ends(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL):
                await self.ended.wait()
        return self.ended.is_set()

    def _signal_group(self, number: signal.Signals) -> None:
        if not self._gone and self.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self._stdin = cast("asyncio.WriteTransport", self._transport.get_pipe_transport(0))

    def _said(self, chunk: bytes) -> None:
        self._on_lines(self._framer.feed(chunk))

    def _complained(self, chunk: bytes) -> None:
        self._stderr.append(chunk[-TAIL:])
        while len(self._stderr) > 1 and sum(map(len, self._stderr)) - len(self._stderr[0]) >= TAIL:
            self._stderr.popleft()

    def _silent(self) -> None:
        """An output has ended."""
        if self._gone and not self._heard:
            self._finish()

    @property
    def _heard(self) -> bool:
        """Something can still be said."""
        return any(output.open for output in self._outputs)

    def process_exited(self) -> None:
        self._gone = True
        self.exit_code = self._transport.get_returncode() if self._transport else None
        if self._heard:
            self._loop.call_later(AFTERGLOW, self._finish)
        else:
            self._finish()

    def _finish(self) -> None:
        if self.ended.is_set():
            return
        self._on_lines(self._framer.finish())
        self.ended.set()
        for output in self._outputs:
            output.close()
        if self._transport:
            self._transport.close()
        self._on_exit()
