"""Reads again what may have been missed, each time that is wanted, for as long as an adapter is connected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Protocol

AGAIN_AFTER = 30.0
"""Seconds after which it is tried again when the store or the platform did not answer."""


class CatchesUp(Protocol):
    """An adapter's own way through what its platform remembers."""

    @property
    def between(self) -> asyncio.Lock:
        """Held while a message is handed in: whoever holds it may cancel `run` without losing one."""
        ...

    async def run(self) -> bool:
        """Once through everything. False: it is worth another try."""
        ...


@asynccontextmanager
async def catching_up(missed: CatchesUp, wanted: asyncio.Event, name: str) -> AsyncGenerator[None]:
    """Run it each time `wanted` is set, while inside. `name` is the task's."""
    loop = asyncio.get_running_loop()

    async def run() -> None:
        while True:
            await wanted.wait()
            wanted.clear()
            if not await missed.run():
                loop.call_later(AGAIN_AFTER, wanted.set)

    task = asyncio.create_task(run(), name=name)
    try:
        yield
    finally:
        async with missed.between:  # a message that is being handed in is handed in whole
            task.cancel()
        await asyncio.wait([task])
