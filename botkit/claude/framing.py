"""Cuts the CLI's output into lines, however it arrives, in bounded memory. Pure."""

from __future__ import annotations


class Framer:
    """Feed it chunks, get whole lines back. A line beyond `limit` bytes is dropped and comes back as None."""

    __slots__ = ("_dropping", "_limit", "_parts", "_size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._dropping = False

    def feed(self, chunk: bytes) -> list[bytes | None]:
        if not self._parts and not self._dropping and chunk.endswith(b"\n") and len(chunk) <= self._limit:
            # Whole lines: the way almost all of them come.
            return [*chunk[:-1].split(b"\n")]
        head, newline, rest = chunk.partition(b"\n")
        lines = self._grow(head)
        if not newline:
            return lines
        if not self._dropping:
            lines.append(b"".join(self._parts))
        self._dropping = False
        self._forget()
        *whole, last = rest.split(b"\n")
        lines.extend(line if len(line) <= self._limit else None for line in whole)
        return lines + self._grow(last)

    def finish(self) -> list[bytes | None]:
        """What was left without a newline when the output ended."""
        left = b"".join(self._parts)
        self._forget()
        return [left] if left else []

    def _grow(self, part: bytes) -> list[bytes | None]:
        if self._dropping or not part:
            return []
        self._parts.append(part)
        self._size += len(part)
        if self._size <= self._limit:
            return []
        self._forget()
        self._dropping = True
        return [None]

    def _forget(self) -> None:
        self._parts.clear()
        self._size = 0
