"""Plain text on the standard output, one whole piece after the other, without anything that steers a terminal."""

from __future__ import annotations

import asyncio
from typing import TextIO

from adapters.console.safe import safe


class Printer:
    """`lost`: whoever read the output has gone; nothing is written any more."""

    def __init__(self, out: TextIO) -> None:
        self.lost = False
        self._out = out
        self._turn = asyncio.Lock()

    async def write(self, text: str) -> None:
        """Write a piece and an empty line. A reader that is slow holds up nothing else."""
        async with self._turn:
            if text and not self.lost:
                await asyncio.to_thread(self._put, f"{safe(text).rstrip()}\n\n")

    def _put(self, text: str) -> None:
        encoding = self._out.encoding or "utf-8"
        try:
            self._out.write(text.encode(encoding, "replace").decode(encoding))
            self._out.flush()
        except BrokenPipeError:
            self.lost = True
