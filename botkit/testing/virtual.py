"""An event loop whose clock jumps ahead when there is nothing to do, so that hours of waiting take milliseconds."""

from __future__ import annotations

import asyncio
import selectors


class _Jumping(selectors.DefaultSelector):
    skipped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
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
        return super().time() + self._jumping.skipped


class VirtualLoops(asyncio.DefaultEventLoopPolicy):
    """What pytest-asyncio's `event_loop_policy` fixture returns for tests on virtual time."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return VirtualLoop()
