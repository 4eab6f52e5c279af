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
        head, newline, rest = chunk.partition(b"\n")
        if not newline:
            return self._grow(chunk)
        lines: list[bytes | None] = []
        if self._dropping:
            self._dropping = False
        else:
            self._parts.append(head)
            lines.extend(self._grow(b""))
            if self._dropping:
                self._dropping = False
            else:
                lines.append(b"".join(self._parts))
                self._forget()
        *whole, rest = rest.split(b"\n")
        lines.extend(line if len(line) <= self._limit else None for line in whole)
        return lines + self._grow(rest)

    def finish(self) -> list[bytes | None]:
        """What was left without a newline when the output ended."""
        left = b"".join(self._parts)
        self._forget()
        return [left] if left else []

    def _grow(self, part: bytes) -> list[bytes | None]:
        if self._dropping:
            return []
        if part:
            self._parts.append(part)
        self._size = sum(map(len, self._parts)) if len(self._parts) < 4 else self._size + len(part)
        if self._size <= self._limit:
            return []
        self._forget()
        self._dropping = True
        return [None]

    def _forget(self) -> None:
        self._parts.clear()
        self._size = 0
