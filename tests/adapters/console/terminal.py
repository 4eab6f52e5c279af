"""A real pseudo-terminal with a program in it, and what a person would see on its screen."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import struct
import sys
import termios
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pyte

ROOM = (sys.executable, "-m", "tests.adapters.console.room")
COLUMNS, ROWS = 80, 24
BOUND = 5.0


class Terminal:
    """`raw` is every byte the program has written."""

    def __init__(self, process: Process, master: int) -> None:
        self.process, self._master = process, master
        self.raw = bytearray()
        self.keep = True
        """False: only `raw` grows; drawing millions of characters takes longer than a test may."""
        self._screen = pyte.HistoryScreen(COLUMNS, ROWS, history=2000)
        self._screen.write_process_input = self._answer  # type: ignore[method-assign]  # how pyte lets one hear replies
        self._stream = pyte.ByteStream(self._screen)
        self._changed = asyncio.Event()
        asyncio.get_running_loop().add_reader(master, self._read)

    @property
    def text(self) -> str:
        """All lines, those that scrolled away first."""
        above = ["".join(line[column].data for column in range(COLUMNS)) for line in self._screen.history.top]
        return "\n".join(line.rstrip() for line in (*above, *self._screen.display))

    @property
    def bottom(self) -> str:
        """The last line that is not empty: what one types on."""
        return self.text.rstrip().rpartition("\n")[2]

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    async def see(self, text: str, *, times: int = 1) -> None:
        """Wait until a text is on the screen, or has been."""
        try:
            async with asyncio.timeout(BOUND):
                while self.text.count(text) < times:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{text!r} was not seen {times} times in:\n{self.text}") from None

    async def hear(self, text: bytes) -> None:
        """Wait until the program has written this."""
        async with asyncio.timeout(BOUND):
            while text not in self.raw[-10_000:]:
                self._changed.clear()
                await self._changed.wait()

    async def see_bottom(self, text: str) -> None:
        """Wait until the line one types on is this."""
        async with asyncio.timeout(BOUND):
            while self.bottom != text:
                self._changed.clear()
                await self._changed.wait()

    async def ended(self) -> int:
        async with asyncio.timeout(BOUND):
            return await self.process.wait()

    def stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self._master)

    def _read(self) -> None:
        try:
            data = os.read(self._master, 65536)
        except OSError:  # the program has gone
            self.stop()
            return
        self.raw += data
        if self.keep:
            self._stream.feed(data)
        self._changed.set()

    def _answer(self, data: str) -> None:
        os.write(self._master, data.encode())


@asynccontextmanager
async def terminal(where: Path, environment: Mapping[str, str] | None = None) -> AsyncGenerator[Terminal]:
    """The room's chat in a terminal of its own."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    env = {**os.environ, "TERM": "xterm-256color", **(environment or {})}
    process = await asyncio.create_subprocess_exec(
        *(*ROOM, str(where)), stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True
    )
    os.close(slave)
    shown = Terminal(process, master)
    try:
        yield shown
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        shown.stop()
        os.close(master)
