"""Kills botkit at random moments, starts it again, and looks what is left of it two seconds later."""

from __future__ import annotations

import asyncio
import signal
from asyncio.subprocess import Process
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import psutil

from botkit.claude.environment import MARKER
from tests.faults.rig import SECRET, Rig

GONE_WITHIN = 2.0
"""Seconds that workers and tools may outlive a killed botkit."""
LOOK_EVERY = 0.1


@dataclass
class Nemesis:
    """`complaints`: what it saw that must not be."""

    rig: Rig
    random: Random
    ceiling: int = 4
    kills: int = 0
    complaints: list[str] = field(default_factory=list[str])
    _watched: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def kill(self, times: int) -> Process:
        """As often, at moments from the first instant of a start to some turns later; returns the one left alive."""
        process = await self.rig.start(connected=False)
        for _ in range(times):
            await self._moment()
            left = self.rig.workers()
            if process.returncode is not None:
                raise AssertionError(f"botkit ended by itself with {process.returncode}:\n{self.rig.tail()}")
            process.kill()
            await process.wait()
            self.kills += 1
            self._watched.add(asyncio.create_task(self._gone(left), name=f"kill-{self.kills}"))
            process = await self.rig.start(connected=False)
        return process

    async def _moment(self) -> None:
        """Any moment, or one at which something has just happened on the platform and may not be noted yet."""
        await asyncio.sleep(self.random.uniform(0.1, 2.8))
        if self.random.random() < 0.5:
            calls = len(self.rig.slack.calls)
            with suppress(TimeoutError):
                await self.rig.slack.until(lambda: len(self.rig.slack.calls) > calls, within=1.0)
            await asyncio.sleep(self.random.uniform(0.0, 0.02))

    async def _gone(self, left: list[psutil.Process]) -> None:
        _, alive = await asyncio.to_thread(psutil.wait_procs, left, GONE_WITHIN)
        for each in alive:
            with suppress(psutil.NoSuchProcess):
                if each.status() != psutil.STATUS_ZOMBIE:
                    self.complaints.append(f"{GONE_WITHIN:g} s after a kill still there: {each.cmdline()}")

    async def watch(self) -> None:
        """Look at every process of the rig until cancelled."""
        while True:
            await asyncio.to_thread(self._look)
            await asyncio.sleep(LOOK_EVERY)

    def _look(self) -> None:
        """No botkit has more live workers than allowed; no secret of botkit's is in what they can see."""
        found: dict[str, list[tuple[str, psutil.Process]]] = defaultdict(list)
        for each in self.rig.workers():
            with suppress(psutil.Error, OSError):
                environ, argv = Path(f"/proc/{each.pid}/environ").read_bytes(), each.cmdline()
                # Between fork and exec a child still looks like botkit.
                if "-m" in argv or not argv:
                    continue
                if any(secret.encode() in environ + " ".join(argv).encode() for secret in self._secrets()):
                    self.complaints.append(f"a secret in {argv}")
                if "claude.py" in " ".join(argv):
                    marker = each.environ().get(MARKER, "")
                    found[marker.partition(".")[0]].append((marker, each))
        for botkit, workers in found.items():
            # Looking takes a while: only those that live on were there at the same moment. And between fork and exec
            # a tool looks like its worker, whose marker it has.
            markers = {marker for marker, each in workers if _works(each)}
            if len(markers) > self.ceiling:
                self.complaints.append(f"{len(markers)} workers of {botkit}, {self.ceiling} are allowed")

    def _secrets(self) -> tuple[str, ...]:
        return (self.rig.slack.app.bot_token, self.rig.slack.app.app_token, SECRET)

    async def close(self) -> None:
        """Wait for what is still being watched, and look once more at what must hold in the end."""
        if self._watched:
            await asyncio.wait(self._watched)
        self.complaints += self.rig.violations()
        text = self.rig.log.read_text(errors="replace")
        shown = "".join(
            post.shown for room in self.rig.slack.directory.channels.values() for post in room.posts.values()
        )
        for secret in self._secrets():
            if secret in text or secret in shown:
                self.complaints.append("a secret in the log or in a reply")

    async def stop(self, process: Process) -> None:
        """An orderly end: with code 0, and with nothing left."""
        code = await self.rig.end(process, signal.SIGTERM)
        if code:
            self.complaints.append(f"it ended with {code}")
        await self._gone(self.rig.workers())


def _works(process: psutil.Process) -> bool:
    try:
        running = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        return running and "claude.py" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False
