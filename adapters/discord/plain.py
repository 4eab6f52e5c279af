"""Discord's own notation as plain text: mentions, channels, emojis and times as a person reads them. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

_TOKEN = re.compile(
    r"<(?:@!?(?P<user>\d+)|@&(?P<role>\d+)|\#(?P<channel>\d+)"
    r"|a?:(?P<emoji>\w+):\d+|t:(?P<time>\d{1,11})(?::\w)?|/(?P<command>[^:>\n]+):\d+)>"
)
_LEADING = re.compile(r"\s*<@(?:!?|&)(\d+)>")


def addresses(text: str) -> str:
    """The id of the person or role the text begins by mentioning, or ''."""
    match = _LEADING.match(text)
    return match[1] if match else ""


def plain(text: str, *, me: Collection[str] = (), names: Mapping[str, str] | None = None) -> str:
    """The text without mentions of the ids in `me`; other people by their names."""
    if me:
        ids = "|".join(map(re.escape, me))
        text = re.sub(rf"[ \t]*<@(?:!?|&)(?:{ids})>[,:]?", "", text)
    known = names or {}
    return _TOKEN.sub(lambda match: _token(match, known), text).strip()


def _token(match: re.Match[str], names: Mapping[str, str]) -> str:
    kind, value = match.lastgroup, match[match.lastgroup or 0]
    match kind:
        case "user":
            return f"@{names.get(value, value)}"
        case "role":
            return f"@{value}"
        case "channel":
            return f"#{names.get(value, value)}"
        case "emoji":
            return f":{value}:"
        case "time":
            return f"{datetime.fromtimestamp(int(value), UTC):%Y-%m-%d %H:%M} UTC"
        case _:
            return f"/{value}"
