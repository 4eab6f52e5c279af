"""What is in a text as Feishu reads it: who is mentioned, which images and tables. Code is left alone."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import pairwise

CODE = re.compile(r"(```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|``.*?``|`[^`\n]*`)", re.DOTALL)
_AT = re.compile(r"<at\s+([^<>]*?)/?>(?:(.*?)</at>)?", re.DOTALL | re.IGNORECASE)
_WHO = re.compile(r"(?:user_id|open_id|ids|id|email)\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)
_IMAGE = re.compile(r"!\[[^\]]*\]\(([^)\s]*)[^)]*\)")
_RULE = re.compile(r"^[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")


def ats(text: str) -> Iterator[tuple[str, str]]:
    """Every `<at …>` of a text: the tag as written, and the id in it ("all" for everybody)."""
    for found in _AT.finditer(text):
        who = _WHO.search(found[1])
        if who is not None:
            for one in who[1].split(","):
                yield found[0], one


def replace_ats(text: str, name: dict[str, str]) -> str:
    """The tags replaced by what stands for their ids; those of unknown ids are left alone."""

    def put(found: re.Match[str]) -> str:
        who = _WHO.search(found[1])
        ids = who[1].split(",") if who is not None else []
        return " ".join(name[one] for one in ids) if ids and all(one in name for one in ids) else found[0]

    return _AT.sub(put, text)


def prose(markdown: str) -> str:
    """Markdown without its code."""
    return CODE.sub(" ", markdown)


def rendered(markdown: str, names: dict[str, str]) -> str:
    """What a card shows of Markdown: mentions become names and entities signs, except in code."""
    parts = CODE.split(markdown)
    return "".join(part if index % 2 else html.unescape(replace_ats(part, names)) for index, part in enumerate(parts))


def images(markdown: str) -> list[str]:
    """What Markdown images outside of code point to."""
    return _IMAGE.findall(prose(markdown))


def tables(markdown: str) -> int:
    """How many tables Markdown has outside of code."""
    lines = prose(markdown).split("\n")
    return sum(1 for head, rule in pairwise(lines) if "|" in head and "|" in rule and _RULE.match(rule))
