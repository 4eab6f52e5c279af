"""Tasks that somebody waits for: started here, ended by `drain`."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger("botkit")


AGAIN = 5.0
"""Seconds a cancelled task has to leave what it has begun in order."""


class Tasks:
    """A set of running tasks. A task that fails is logged with its name, never lost."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("task_failed", task=task.get_name(), exc_info=problem)

    async def drain(self, seconds: float) -> bool:
        """Wait for all tasks; after `seconds` cancel and await what is left. False when something was cut."""
        loop, finished = asyncio.get_running_loop(), True
        until = loop.time() + seconds
        while running := self._running - {asyncio.current_task()}:
            # A task may start another one, which is waited for as well.
            _, left = await asyncio.wait(running, timeout=max(0.0, until - loop.time()))
            for task in left:
                task.cancel()
            if left:
                finished = False
                # Libraries swallow a cancellation now and then: then it is said again.
                await asyncio.wait(left, timeout=AGAIN)
        return finished
