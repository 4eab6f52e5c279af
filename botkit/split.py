"""Cuts long Markdown into messages, at safe places and without losing a character. Pure."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator

from botkit.lines import Line, scan

Fits = Callable[[str], bool]

_FIRST_GUESS = 1024
_LOOKAHEAD = 2000
"""Characters past the window that are still read, so that a table's head is known by its rule."""


def split(text: str, fits: Fits) -> list[str]:
    """The parts of a text, each of which fits; [] for a text with nothing to see.

    Cut from the start, greedily: a part but the last does not change while the text grows. Code blocks are closed and
    opened again with their language; a table or a list item moves to the next part whole, or goes on under its head.
    A text in which not even one character fits is cut into single characters.
    """
    parts: list[str] = []
    rest, floor, guess = text.strip("\n"), 0, _FIRST_GUESS
    while rest[floor:].strip():
        part, rest, floor, guess = _first(rest, floor, guess, fits)
        if part.strip():
            parts.append(part)
    return parts


def _first(text: str, floor: int, guess: int, fits: Fits) -> tuple[str, str, int, int]:
    """The first part, the rest, how much of the rest is repeated (a fence, a table's head), the next guess."""
    lines, low, high = _window(text, floor, guess, fits)
    if low >= len(text):
        return text, "", 0, guess
    # Parts are alike in size, so most searches begin between seven and nine eighths of the one before.
    middle = floor + guess * 7 // 8
    # Coarse on purpose: the cut falls back to a line's end anyway, and measuring means rendering.
    while high - low > max(1, low // 16):
        middle = middle if low < middle < high else (low + high) // 2
        low, high = (middle, high) if fits(_cut(text, lines, middle)[0]) else (low, middle)
    guess = max(low, 64)
    for place in _places(text, lines, floor, low):
        part, rest, repeated = _cut(text, lines, place)
        if fits(part):
            return part, rest, repeated, guess
    if floor:
        # Not even the repeated head and one character fit: go on without it.
        return "", text[floor:], 0, guess
    return text[:1], text[1:], 0, guess


def _window(text: str, floor: int, guess: int, fits: Fits) -> tuple[list[Line], int, int]:
    """The lines to cut in, a length that fits, and one that does not; all of the text fits if the first is as long."""
    low, window = floor, floor + guess * 9 // 8
    while True:
        lines = scan(text[: window + _LOOKAHEAD])
        if window >= len(text):
            return lines, len(text) if fits(text) else low, window
        if not fits(_cut(text, lines, window)[0]):
            return lines, low, window
        low, window = window, window * 2


def _places(text: str, lines: list[Line], floor: int, low: int) -> Iterator[int]:
    """Where to cut, best first: at most `low`, always past `floor`."""
    low = min(low, len(text))
    inside = [line for line in lines if floor < line.start <= low]
    index = {line.start: number for number, line in enumerate(lines)}
    blocks = [line for line in inside if _begins_block(lines, index[line.start])]
    if blocks and blocks[-1].start >= low * _least_fill(blocks[-1]):
        yield blocks[-1].start
    inner = [line.start for line in inside if line.kind in ("item", "open") or _after_blank(lines, index[line.start])]
    ends = [line.start for line in inside if _may_begin_part(lines, index[line.start])]
    for choice in (inner, ends):
        if choice and (choice[-1] >= low // 4 or lines[index[choice[-1]]].kind == "row"):
            yield choice[-1]
    word = max(text.rfind(" ", low // 2, low), text.rfind("\n", low // 2, low)) + 1
    if word > floor:
        yield word
    while low > floor:
        place = _grapheme(text, low)
        yield place if place > floor else low
        low = min((floor + low) // 2, low - 1)


def _begins_block(lines: list[Line], number: int) -> bool:
    line, before = lines[number], lines[number - 1]
    if line.indent and line.kind not in ("head", "heading"):
        return False
    if line.kind in ("item", "open", "head", "heading"):
        return True
    return line.kind == "text" and before.kind in ("blank", "close", "heading", "row")


def _least_fill(block: Line) -> float:
    """How full a part must be to end before this block; tables and list items are kept whole at any price."""
    if block.kind in ("head", "item"):
        return 0.0
    return 0.5 if block.kind == "open" else 0.25


def _after_blank(lines: list[Line], number: int) -> bool:
    return lines[number].kind == "text" and lines[number - 1].kind in ("blank", "close")


def _may_begin_part(lines: list[Line], number: int) -> bool:
    line, before = lines[number], lines[number - 1]
    if line.kind in ("blank", "rule", "close"):
        return False
    return before.kind not in ("open", "head", "rule", "blank")


def _cut(text: str, lines: list[Line], place: int) -> tuple[str, str, int]:
    """Cut at a place: the part, closed; the rest, opened again; how much of the rest is repeated."""
    line = lines[bisect_right(lines, place, key=lambda line: line.start) - 1]
    at_start = place == line.start
    before, after = text[:place], text[place:]
    fence = line.fence
    if fence is not None and line.kind == "close" and at_start:
        return before + text[place : line.end].rstrip(), text[line.end :].lstrip("\n"), 0
    if fence is not None and line.kind == "code":
        closed = before if before.endswith("\n") else before + "\n"
        opening = fence.opening
        return closed + " " * fence.indent + fence.mark, opening + _dedented(after, line, at_start), len(opening)
    if line.kind == "row" and line.head and at_start:
        head = text[line.head[0] : line.head[1]]
        return before.rstrip(), head + after, len(head)
    return before.rstrip(), after.lstrip("\n") if at_start else after.lstrip(" \n"), 0


def _dedented(rest: str, line: Line, at_start: bool) -> str:
    """Code taken out of a list item: up to its closing fence it moves left, for the fence now stands at the margin."""
    fence = line.fence
    if fence is None or not fence.indent:
        return rest
    moved: list[str] = []
    pieces = rest.splitlines(keepends=True)
    for number, piece in enumerate(pieces):
        lead = len(piece) - len(piece.lstrip(" "))
        moved.append(piece[min(lead, fence.indent) :] if number or at_start else piece)
        if fence.closed_by(piece):
            return "".join(moved) + "".join(pieces[number + 1 :])
    return "".join(moved)


def _grapheme(text: str, place: int) -> int:
    """The nearest place at or before this one that does not cut a character in two."""
    for candidate in range(place, max(place - 64, 0), -1):
        if candidate >= len(text) or not _joined(text, candidate):
            return candidate
    return place


def _joined(text: str, place: int) -> bool:
    left, right = text[place - 1], text[place]
    if _flag(left) and _flag(right):
        # A flag is two letters, so it depends on how many stand before.
        start = place
        while start > max(0, place - 64) and _flag(text[start - 1]):
            start -= 1
        return (place - start) % 2 == 1
    if unicodedata.category(right) in ("Mn", "Me", "Mc") or right == "\u200d" or left == "\u200d":
        return True
    return "\U0001f3fb" <= right <= "\U0001f3ff" or (left == "\r" and right == "\n")


def _flag(letter: str) -> bool:
    return "\U0001f1e6" <= letter <= "\U0001f1ff"
