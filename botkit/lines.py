"""Reads Markdown line by line, just closely enough to know where a text may be cut. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

LineKind = Literal["blank", "text", "heading", "item", "open", "code", "close", "head", "rule", "row"]

_OPEN = re.compile(r"(?P<lead>[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*)(?P<mark>`{3,}(?=[^`]*$)|~{3,})(?P<info>.*)$")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])(?:[ \t]+|$)")
_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")
_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_PART_OF_RULE = re.compile(r"[ \t]*[|:-][|: \t-]*$")
_BAR = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Fence:
    """How a code block was opened; `indent` is the width of what stands before the fence."""

    mark: str
    info: str
    indent: int

    def closed_by(self, line: str) -> bool:
        bare = line.strip()
        return len(bare) >= len(self.mark) and bare == self.mark[0] * len(bare)

    @property
    def opening(self) -> str:
        return f"{self.mark}{self.info}\n"


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `end` is past its newline. `fence` is set inside a code block, `head` inside a table."""

    start: int
    end: int
    kind: LineKind
    indent: int = 0
    fence: Fence | None = None
    head: tuple[int, int] | None = None
    """Where the table's head and rule begin and end."""


def scan(text: str) -> list[Line]:
    """The lines of a text, in order, without gaps."""
    lines: list[Line] = []
    fence: Fence | None = None
    head: tuple[int, int] | None = None
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        body = text[start:end].rstrip("\r\n")
        if fence is not None:
            closing = fence.closed_by(body)
            lines.append(Line(start, end, "close" if closing else "code", fence.indent, fence))
            fence = None if closing else fence
        elif head is not None and start < head[1]:
            lines.append(Line(start, end, "rule", head=head))
        elif head is not None and _goes_on(body):
            lines.append(Line(start, end, "row", head=head))
        else:
            head = _table(text, start, end, body)
            line = Line(start, end, "head", head=head) if head else _plain(start, end, body)
            fence = line.fence
            lines.append(line)
        start = end
    return lines


def columns(line: str) -> int:
    """How many cells a table's line has."""
    bare = line.strip()
    bars = len(_BAR.findall(bare))
    outer = int(bare.startswith("|")) + int(len(bare) > 1 and bare.endswith("|") and not bare.endswith("\\|"))
    return bars - outer + 1


def is_rule(line: str, cells: int) -> bool:
    """The line makes the one before it the head of a table with so many cells."""
    return "-" in line and _RULE.match(line) is not None and columns(line) == cells


def may_become_rule(line: str) -> bool:
    return not line or _PART_OF_RULE.match(line) is not None


def _plain(start: int, end: int, body: str) -> Line:
    if not body.strip():
        return Line(start, end, "blank")
    opening = _OPEN.match(body)
    if opening is not None:
        lead = len(opening["lead"].expandtabs(4))
        return Line(start, end, "open", lead, Fence(opening["mark"], opening["info"].strip(), lead))
    indent = len(body) - len(body.lstrip())
    if _HEADING.match(body):
        return Line(start, end, "heading", indent)
    return Line(start, end, "item" if _ITEM.match(body) else "text", indent)


def _table(text: str, start: int, end: int, body: str) -> tuple[int, int] | None:
    if "|" not in body or end == len(text) or not body.strip():
        return None
    after = text.find("\n", end) + 1
    rule = text[end : after or len(text)].rstrip("\r\n")
    # A rule that is still being written already makes a table, so that a cut made now stays where it is.
    if is_rule(rule, columns(body)) or (not after and may_become_rule(rule)):
        return start, after or len(text)
    return None


def _goes_on(body: str) -> bool:
    return bool(body.strip()) and not (
        _OPEN.match(body) or _HEADING.match(body) or ("|" not in body and _ITEM.match(body))
    )
