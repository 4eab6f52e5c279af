"""A table as aligned text, for places that only have a fixed-width font. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Columns under each other, a rule under the first row; wide (CJK) characters count as two."""
    count = max((len(row) for row in rows), default=0)
    filled = [[" ".join(cell.split()) for cell in row] + [""] * (count - len(row)) for row in rows]
    widths = [max((width(row[column]) for row in filled), default=0) for column in range(count)]
    lines = [_line(row, widths) for row in filled]
    return "\n".join([*lines[:1], "─┼─".join("─" * each for each in widths), *lines[1:]])


def width(text: str) -> int:
    """How many columns a text takes in a fixed-width font."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return " │ ".join(cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True)).rstrip()
