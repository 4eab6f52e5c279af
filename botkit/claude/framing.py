"""Cuts the CLI's output into lines, however it arrives, in bounded memory. Pure."""

from __future__ import annotations

from collections.abc import Sequence


class Framer:
    """Feed it chunks, get whole lines back. A line beyond `limit` bytes is dropped and comes back as None."""

    __slots__ = ("_dropping", "_limit", "_parts", "_size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._dropping = False

    def feed(self, chunk: bytes) -> Sequence[bytes | None]:
        lines = chunk.split(b"\n")
        last = lines.pop()
        if not (last or self._parts or self._dropping) and len(chunk) <= self._limit:
            return lines  # whole lines: the way almost all of them come
        if not lines:
            return self._grow(last)
        told = self._grow(lines[0])
        if not self._dropping:
            told.append(b"".join(self._parts))
        self._dropping = False
        self._forget()
        told.extend(line if len(line) <= self._limit else None for line in lines[1:])
        return told + self._grow(last)

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
