"""An event loop whose clock jumps ahead when there is nothing to do, so that hours of waiting take milliseconds."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import ParamSpec

P = ParamSpec("P")


class _Jumping(selectors.DefaultSelector):
    skipped = 0.0
    """Seconds; the only clock of the loop, so no result depends on the machine's speed."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        # A clock that stood still while code runs would keep a loop waiting for a moment too short to add.
        self.skipped += 1e-7
        if ready or timeout == 0:
            return ready
        if timeout is None:
            return super().select(None)
        self.skipped += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """For code that waits on the loop's clock alone: no threads, children or network may be part of the test."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.skipped


def virtual(test: Callable[P, Coroutine[None, None, None]]) -> Callable[P, None]:
    """Runs a test on a loop of its own; an hour of virtual time is its bound."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(3600):
                await test(*args, **kwargs)

        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(bounded())

    return run
