"""Reads what all children say, together: many that speak at once cost few wake-ups of the loop."""

from __future__ import annotations

import asyncio
import os
import selectors
from collections.abc import Callable
from types import TracebackType

import structlog

GATHER = 0.001
"""Seconds from one round of reading to the next, for each child that spoke in it. A child that speaks after a silence
is heard at once."""
LONGEST = 0.01
"""The same at most, however many speak: too short for anybody to see."""
CHUNK = 64 * 1024
"""Bytes read at once: what a pipe holds. For asyncio's own 256 KB, the C library maps memory anew each time."""

log = structlog.get_logger()


class Intake:
    """The outputs of the running loop's children. It takes a file descriptor of its own while there are any."""

    def __init__(self) -> None:
        self._selector: selectors.DefaultSelector | None = None
        self._round: asyncio.TimerHandle | None = None

    def add(self, fd: int, read: Callable[[], None]) -> None:
        """Raises OSError when the process has no file descriptor left."""
        if self._selector is None:
            self._selector = selectors.DefaultSelector()
            self._listen(self._selector)
        self._selector.register(fd, selectors.EVENT_READ, read)

    def remove(self, fd: int) -> None:
        selector = self._selector
        assert selector is not None
        selector.unregister(fd)
        if not selector.get_map():
            self._selector = None
            if self._round:
                self._round.cancel()
            asyncio.get_running_loop().remove_reader(selector.fileno())
            selector.close()

    def expect(self) -> None:
        """Somebody was asked something: the answer is heard at once, and not in the next round."""
        if self._round is not None and self._selector is not None:
            self._round.cancel()
            self._listen(self._selector)

    def _listen(self, selector: selectors.DefaultSelector) -> None:
        """Wait until somebody speaks."""
        self._round = None
        asyncio.get_running_loop().add_reader(selector.fileno(), self._wake, selector)

    def _wake(self, selector: selectors.DefaultSelector) -> None:
        asyncio.get_running_loop().remove_reader(selector.fileno())
        self._read(selector)

    def _read(self, selector: selectors.DefaultSelector) -> None:
        loop = asyncio.get_running_loop()
        began, ready = loop.time(), selector.select(0)
        for key, _ in ready:
            try:
                key.data()
            except Exception:  # nobody else must fall silent for it
                log.exception("output_not_taken")
        if selector is not self._selector:
            return  # nobody is left
        if ready:
            self._round = loop.call_at(began + min(GATHER * len(ready), LONGEST), self._read, selector)
        else:
            self._listen(selector)


class Output:
    """A pipe that a child writes to. `on_chunk` gets what arrives; `on_end` is called when nobody can write any more.

    `with` it while the child is started: then only the child holds `child`, its end; after an error nobody does.
    """

    def __init__(self, intake: Intake, on_chunk: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        """Raises OSError when the process has no file descriptor left."""
        self._intake, self._on_chunk, self._on_end = intake, on_chunk, on_end
        self._end, self.child = os.pipe()
        self.open = True
        os.set_blocking(self._end, False)
        try:
            intake.add(self._end, self._read)
        except OSError:
            os.close(self._end)
            os.close(self.child)
            raise

    def __enter__(self) -> Output:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        os.close(self.child)
        if kind is not None:
            self.close()

    def close(self) -> None:
        """Read no more; `on_end` is not called."""
        if self.open:
            self.open = False
            self._intake.remove(self._end)
            os.close(self._end)

    def _read(self) -> None:
        if not self.open:
            return  # closed in the same round
        try:
            chunk = os.read(self._end, CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        if chunk:
            self._on_chunk(chunk)
        else:
            self.close()
            self._on_end()
