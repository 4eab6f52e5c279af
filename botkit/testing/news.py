"""Lets tests wait for what they want to see, without looking again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class News:
    """Says that something may have changed to whoever waits for it."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    def changed(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        self._waiting.clear()

    async def until(self, predicate: Callable[[], T], within: float) -> T:
        """The predicate's first truthy value, asked again after each change; TimeoutError after `within` seconds."""
        async with asyncio.timeout(within):
            while not (value := predicate()):
                waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiting.append(waiting)
                await waiting
            return value
