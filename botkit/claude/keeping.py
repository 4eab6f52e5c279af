"""Starts the keeper, which ends the workers should botkit be killed, and lets it go when botkit ends by itself."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
from pathlib import Path

import structlog

from botkit.claude import keeper
from botkit.claude.environment import MARKER

FAREWELL = 3.0
"""Seconds the keeper has to end after its pipe was closed."""

log = structlog.get_logger()


class Keeping:
    """An `async with` around everything that starts workers; `marker` goes into their environment."""

    def __init__(self) -> None:
        self.instance = secrets.token_hex(8)
        self._child: asyncio.subprocess.Process | None = None
        self._count = 0

    async def __aenter__(self) -> Keeping:
        await self.ensure()
        return self

    async def __aexit__(self, *exc: object) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        if child.stdin:
            child.stdin.close()
        try:
            async with asyncio.timeout(FAREWELL):
                await child.wait()
        except TimeoutError:
            log.warning("keeper_stuck", pid=child.pid)
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()

    @property
    def pid(self) -> int:
        return self._child.pid if self._child else 0

    def marker(self) -> str:
        """A value for one worker's variable; all begin with `instance`, by which the keeper knows them."""
        self._count += 1
        return f"{self.instance}.{self._count}."

    async def ensure(self) -> None:
        """Start the keeper unless it runs; in a session of its own, out of reach of Ctrl-C and of hang-ups."""
        if self._child and self._child.returncode is None:
            return
        if self._child:
            log.warning("keeper_gone", exit_code=self._child.returncode)
        self._child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(Path(keeper.__file__)),
            f"{MARKER}={self.instance}.",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            env={},
        )
