"""Markdown that is still being written, made presentable; Markdown in pieces, in code, in plain words. Pure."""

from __future__ import annotations

import re

from botkit import texts
from botkit.lines import Line, columns, is_rule, may_become_rule, scan
from botkit.split import split as split

FOLDED = "folded"

_HALF_LINK = re.compile(r"(!?)\[([^\[\]\n]*)\]\([^)`\n]*$")
_HALF_IMAGE = re.compile(r"!\[[^\]`\n]*\]?$")
_RUN = re.compile(r"`+|\*+|_+|~~")
_INLINE_CODE = re.compile(r"(`+)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\(<?([^\s)>]*)>?[^)\n]*\)")
_MARKS = re.compile(r"(?<![\w*])(\*{1,3})(?=\S)(.+?)(?<=\S)\1(?![\w*])|(?<!\w)(_{1,3}|~~)(?=\S)(.+?)(?<=\S)\3(?!\w)")
_TOKEN = re.compile(r"(?<=[\s\u2e80-\U0003ffff])(?=\S)")
"""Where a word begins, or a letter of a script that has no spaces."""
_LINE, _LONG = re.compile(r"(?<=\n)(?=\S)"), 300
"""In code whole lines are better, unless the next one that is not indented is a long way off."""
_OPENER = re.compile(r"[`*_~\[!]")
_SPECIAL = re.compile(r"[\\`*_~\[\]<>]")
_LINE_MARK = re.compile(r"^[ \t]*(?:#{1,6}[ \t]+|>[ \t]?)", re.MULTILINE)


def presentable(text: str) -> str:
    """A half-written text as it may be shown: open code and emphasis closed, a table's head held back until its rule.

    What is held back is at most the unfinished last lines; a finished text comes back as it is.
    """
    lines = scan(text)
    if not lines:
        return text
    last = lines[-1]
    if last.kind == "open":
        return text[: last.start].rstrip()
    if last.kind == "code" and last.fence is not None:
        return _closed_block(text, last)
    shown = text[: _table_still_open(text, lines)]
    if shown != text:
        return shown.rstrip()
    start = _paragraph(lines)
    return text[:start] + _closed_inline(text[start:])


def settled(text: str) -> str:
    """The beginning of a half-written text that stays as it is whatever follows, for where shown text can only grow.

    It ends before a word or in nothing, so that what is added later never begins with a space. Open emphasis, a table's
    head without its rule and half a table's line are held back; an open code block is not.
    """
    lines = scan(text)
    if not lines:
        return ""
    last = lines[-1]
    if last.kind == "open" or (last.kind == "row" and not text.endswith("\n")):
        return text[: last.start]
    end = _table_still_open(text, lines)
    if last.kind == "code":
        line = max((found.start() for found in _LINE.finditer(text)), default=0)
        return text[: line if len(text) - line < _LONG else _last_token(text, 0, end)]
    if end < len(text):
        return text[: _last_token(text, 0, end)]
    start = _paragraph(lines)
    while (end := _last_token(text, start, end)) > start and _closed_inline(text[start:end]) != text[start:end]:
        end = next((start + found.start() for found in reversed([*_OPENER.finditer(text[start:end])])), start)
    return text[:end]


def reopened(text: str) -> str:
    """What the next message begins with when this text ends in the middle: an open code block, a table's head."""
    lines = scan(text)
    if lines and lines[-1].kind in ("open", "code") and lines[-1].fence is not None:
        return lines[-1].fence.opening
    if lines and lines[-1].kind in ("rule", "row") and lines[-1].head is not None and text.endswith("\n"):
        return text[slice(*lines[-1].head)]
    return ""


def closed(text: str) -> str:
    """A text that more may follow: a code block that was never closed is, and nothing is held back."""
    lines = scan(text)
    if lines and lines[-1].kind == "code" and lines[-1].fence is not None:
        return _closed_block(text, lines[-1])
    return text


def code(text: str) -> str:
    """A text as inline code on one line, whatever is in it."""
    line = " ".join(text.split())
    mark = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{mark}{pad}{line}{pad}{mark}" if line else ""


def block(text: str, language: str = "") -> str:
    """A text as a code block, whatever is in it."""
    mark = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{mark}{language}\n{text.rstrip()}\n{mark}"


def folded(title: str, text: str) -> str:
    """A text that people open if they want to, under a title in plain words: a code block marked `folded TITLE`.

    A platform that can fold shows its own form of it, any other a code block; so `text` should be short.
    """
    line = " ".join(title.replace("`", "'").split())
    return block(text, f"{FOLDED} {line}")


def title_of(info: str) -> str | None:
    """The title of a folded part, by the info string of its code block; None for any other block."""
    mark, _, title = info.strip().partition(" ")
    return title if mark == FOLDED else None


def unfolded(text: str) -> str:
    """The same for a platform that cannot fold: each folded part a plain code block under its title."""
    return "".join(_titled(text, line) for line in scan(text))


def _titled(text: str, line: Line) -> str:
    title = _title(line)
    if title is None or line.fence is None:
        return text[line.start : line.end]
    words = _SPECIAL.sub(r"\\\g<0>", title)
    return f"_{words}_\n\n{' ' * line.fence.indent}{line.fence.mark}\n"


def _title(line: Line) -> str | None:
    return title_of(line.fence.info) if line.kind == "open" and line.fence is not None else None


def excerpt(text: str, *, rows: int, characters: int, end: bool = False) -> str:
    """The beginning of a text, or its end, within so many lines and characters; what is missing is said."""
    lines = text.strip("\n").splitlines()
    kept = "\n".join(lines[-rows:] if end else lines[:rows])
    kept = (kept[-characters:] if end else kept[:characters]).strip("\n")
    if len(kept) >= len(text.strip("\n")):
        return kept
    missing = texts.more_lines(len(lines) - len(kept.splitlines()))
    return f"{missing}\n{kept}" if end else f"{kept}\n{missing}"


def plain(text: str) -> str:
    """The words without the formatting, for a platform that refused it."""
    kept: list[str] = []
    for line in scan(text):
        if line.kind in ("code", "head", "rule", "row"):
            kept.append(text[line.start : line.end])
        elif title := _title(line):
            kept.append(f"{title}\n")
        elif line.kind not in ("open", "close"):
            kept.append(_unmarked(text[line.start : line.end]))
    return "".join(kept).strip("\n")


def _unmarked(line: str) -> str:
    line = _LINE_MARK.sub("", line)
    line = _LINK.sub(lambda link: f"{link[1]} ({link[2]})" if link[2] and link[1] != link[2] else link[1], line)
    line = _INLINE_CODE.sub(lambda found: found[2], line)
    for _ in range(2):
        line = _MARKS.sub(lambda found: found[2] or found[4], line)
    return line


def _last_token(text: str, start: int, end: int) -> int:
    """Where the last word before `end` begins; `start` if there is none behind it."""
    return max((found.start() for found in _TOKEN.finditer(text, start, end)), default=start)


def _closed_block(text: str, last: Line) -> str:
    fence = last.fence
    assert fence is not None
    tail = text[last.start : last.end]
    if tail.strip() and not tail.strip().strip(fence.mark[0]) and not tail.endswith("\n"):
        text = text[: last.start]
    closed = text if text.endswith("\n") else text + "\n"
    return closed + " " * fence.indent + fence.mark


def _table_still_open(text: str, lines: list[Line]) -> int:
    """Where a table begins that cannot be shown yet; the text's length if there is none."""
    last = lines[-1]
    if last.kind == "rule" and last.head is not None:
        head = text[last.head[0] : last.start]
        return len(text) if is_rule(text[last.start :].rstrip("\r\n"), columns(head)) else last.head[0]
    starts_table = last.kind == "text" and text[last.start : last.end].lstrip().startswith("|")
    if starts_table and (len(lines) == 1 or lines[-2].kind != "text" or not _piped(text, lines[-2])):
        return last.start
    if last.kind in ("text", "item") and len(lines) > 1 and _piped(text, lines[-2]):
        unfinished = not text.endswith("\n") and may_become_rule(text[last.start :])
        return lines[-2].start if unfinished else len(text)
    return len(text)


def _piped(text: str, line: Line) -> bool:
    return line.kind == "text" and text[line.start : line.end].lstrip().startswith("|")


def _paragraph(lines: list[Line]) -> int:
    """Where the last paragraph, list item or table line begins: emphasis does not reach further back."""
    for number in range(len(lines) - 1, -1, -1):
        if lines[number].kind != "text":
            return lines[number].end if lines[number].kind in ("blank", "close") else lines[number].start
    return 0


def _closed_inline(text: str) -> str:
    opened: list[str] = []
    position = 0
    while run := _RUN.search(text, position):
        mark, position = run[0], run.end()
        if _escaped(text, run.start()):
            position = run.start() + 1
        elif mark[0] == "`":
            end = re.compile(rf"(?<!`){mark}(?!`)").search(text, position)
            if end is None:
                return _ended(*_code_to_close(text, run.start(), mark), opened)
            position = end.end()
        elif run.end() == len(text):
            return _ended(text[: run.start()], "", opened)
        else:
            _emphasis(text, run.start(), mark, opened)
    text = _HALF_LINK.sub(lambda link: "" if link[1] else link[2], text)
    return _ended(_HALF_IMAGE.sub("", text), "", opened)


def _code_to_close(text: str, start: int, mark: str) -> tuple[str, str]:
    inner = text[start + len(mark) :].rstrip("`")
    return (text[: start + len(mark)] + inner, mark) if inner.strip() else (text[:start], "")


def _ended(text: str, mark: str, opened: list[str]) -> str:
    """The text with its open marks closed, before any space at the end: a mark after a space would not close."""
    closing = mark + "".join(reversed(opened))
    if not closing:
        return text
    bare = text.rstrip()
    return bare + closing + text[len(bare) :]


def _emphasis(text: str, start: int, mark: str, opened: list[str]) -> None:
    before, after = text[start - 1 : start], text[start + len(mark)]
    closes = bool(before) and not before.isspace()
    opens = not after.isspace()
    if mark[0] == "_":
        closes, opens = closes and not after.isalnum(), opens and not before.isalnum()
    if closes and opened and opened[-1][0] == mark[0]:
        left = len(mark)
        while left and opened and opened[-1][0] == mark[0]:
            top = opened.pop()
            if len(top) > left:
                opened.append(top[: len(top) - left])
            left -= min(left, len(top))
    elif opens and (not closes or before in "([{\"'" or not after.isspace()):
        opened.append(mark)


def _escaped(text: str, position: int) -> bool:
    slashes = len(text[:position]) - len(text[:position].rstrip("\\"))
    return slashes % 2 == 1
