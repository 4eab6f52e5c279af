"""Slack's own notation as plain text: entities, links and mentions as a person reads them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

_TOKEN = re.compile(r"<([^<>\n]+)>")
_USER = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>\n]*)?>")
_LEADING = re.compile(r"\s*<@([UW][A-Z0-9]+)(?:\|[^<>\n]*)?>")


def unescape(text: str) -> str:
    """Slack escapes exactly these three, https://docs.slack.dev/messaging/formatting-message-text."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def mentions(text: str) -> tuple[str, ...]:
    """The ids of the people a text mentions, in order, each once."""
    return tuple(dict.fromkeys(match[1] for match in _USER.finditer(text)))


def addresses(text: str) -> str:
    """The id of whoever the text begins by mentioning, or ''."""
    match = _LEADING.match(text)
    return match[1] if match else ""


def plain(text: str, *, me: str = "", names: Mapping[str, str] | None = None) -> str:
    """The text without mentions of `me`; other people by their names, links as `label (url)`."""
    if me:
        text = re.sub(rf"[ \t]*<@{re.escape(me)}(?:\|[^<>\n]*)?>[,:]?", "", text)
    known = names or {}
    parts: list[str] = []
    at = 0
    for match in _TOKEN.finditer(text):
        parts += [unescape(text[at : match.start()]), _token(match[1], known)]
        at = match.end()
    parts.append(unescape(text[at:]))
    return "".join(parts).strip()


def _token(inside: str, names: Mapping[str, str]) -> str:
    target, _, label = (unescape(part) for part in inside.partition("|"))
    match target[:1]:
        case "@":
            return "@" + names.get(target[1:], label or target[1:])
        case "#":
            return "#" + (label or target[1:])
        case "!":
            return label or "@" + target[1:].partition("^")[0]
        case _:
            address = target.removeprefix("mailto:").removeprefix("tel:")
            return address if not label or label in (address, _bare(address)) else f"{label} ({address})"


def _bare(address: str) -> str:
    return address.removeprefix("https://").removeprefix("http://")
