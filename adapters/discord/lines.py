"""Work in order: what belongs to one channel runs one after the other, channels run beside each other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import structlog

log = structlog.get_logger("botkit.discord")

Work = Callable[[], Coroutine[None, None, None]]


class Lines:
    """Tasks that somebody waits for, in `finish`."""

    def __init__(self) -> None:
        self._last: dict[str, asyncio.Task[None]] = {}
        self._running: set[asyncio.Task[None]] = set()

    def start(self, line: str, work: Work) -> None:
        """Run the work after all earlier work of its line; '' is no line."""
        task = asyncio.create_task(_after(self._last.get(line), work), name=f"discord-intake-{line}")
        self._running.add(task)
        if line:
            self._last[line] = task
        task.add_done_callback(lambda done: self._ended(line, done))

    async def finish(self, seconds: float) -> None:
        """Wait for all work; after so long end what is left."""
        running = set(self._running)
        if not running:
            return
        _, left = await asyncio.wait(running, timeout=seconds)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)

    def _ended(self, line: str, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if self._last.get(line) is task:
            del self._last[line]
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("intake_failed", exc_info=problem)


async def _after(before: asyncio.Task[None] | None, work: Work) -> None:
    if before is not None:
        await asyncio.wait([before])
    await work()
