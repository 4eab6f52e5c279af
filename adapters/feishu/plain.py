"""Feishu's kinds of content as Markdown a person could have typed, and the files in them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapters.feishu.wire import Json, Mention, content_of, read, read_all

EVERYBODY = "@_all"
DEEPEST = 20
"""Levels of a card that are read."""
_KEY = re.compile(r"@_(?:user_\d+|all)")
_LEADING = re.compile(r"\s*(@_(?:user_\d+|all))")
_MARKS = {"bold": "**", "italic": "*", "lineThrough": "~~"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A file in a message; `type` is "image" or "file", as its download wants it."""

    key: str
    type: str
    name: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Said:
    """What a message says."""

    text: str = ""
    files: tuple[Piece, ...] = ()


def said(kind: str, content: str, mentions: Sequence[Mention] = (), *, me: str = "") -> Said:
    """What a message of a kind (`message_type`) says: people by their names, without mentions of `me`."""
    names = {one.get("key", ""): "" if is_mention_of(one, me) else f"@{one.get('name', '')}" for one in mentions}
    found = content_of(content)
    match kind:
        case "text":
            return Said(_named(str(found.get("text", "")), names))
        case "post":
            return _post(found, names)
        case "image":
            return Said(files=_image(found))
        case "file" | "audio" | "media":
            return Said(files=_file(kind, found))
        case "interactive":
            return Said(_card(found))
        case "merge_forward":
            return Said("[forwarded messages]")
        case "share_chat" | "share_user" | "location" | "sticker" | "todo" | "video_chat" | "share_calendar_event":
            return Said(f"[{kind.replace('_', ' ')}{_title(found)}]")
        case _:
            return Said()


def is_mention_of(mention: Mention, open_id: str) -> bool:
    id = mention.get("id")
    return bool(open_id) and open_id == (id.get("open_id") if isinstance(id, dict) else id)


def addresses(kind: str, content: str, mentions: Sequence[Mention]) -> Mention | None:
    """Whom the message begins by mentioning."""
    if kind == "text":
        match = _LEADING.match(str(content_of(content).get("text", "")))
        key = match[1] if match else ""
    else:
        first = next((span for line in _lines(content_of(content)) for span in line), Json())
        key = str(first.get("user_id", "")) if first.get("tag") == "at" else ""
    return next((one for one in mentions if key and one.get("key") == key), None)


def _named(text: str, names: Mapping[str, str]) -> str:
    """The text with names in place of keys; the space after a mention that goes away goes, too."""

    def name(found: re.Match[str]) -> str:
        return names.get(found[0], "@everyone" if found[0] == EVERYBODY else found[0])

    gone = [re.escape(key) for key, shown in names.items() if not shown and key]
    if gone:
        text = re.sub(rf"[ \t]*(?:{'|'.join(gone)})(?!\d)[,:]?", "", text)
    return _KEY.sub(name, text).strip()


def _post(found: Json, names: Mapping[str, str]) -> Said:
    files: list[Piece] = []
    lines: list[str] = []
    for line in _lines(found):
        lines.append("".join(_span(span, names, files) for span in line))
    title = str(_localized(found).get("title") or "")
    text = "\n".join([f"**{title}**", "", *lines] if title else lines)
    return Said(text.strip(), tuple(files))


def _localized(found: Json) -> Json:
    """A post may come once for each language."""
    if "content" in found:
        return found
    languages = (read(each, Json) or Json() for each in found.values())
    return next((each for each in languages if "content" in each), Json())


def _lines(found: Json) -> list[list[Json]]:
    return [read_all(line, Json) for line in read(_localized(found).get("content"), list[object]) or ()]


def _span(span: Json, names: Mapping[str, str], files: list[Piece]) -> str:
    text = str(span.get("text") or "")
    match span.get("tag"):
        case "text":
            return _styled(text, span.get("style"))
        case "a":
            href = str(span.get("href") or "")
            return f"[{text}]({href})" if text and text != href else href
        case "at":
            key = str(span.get("user_id") or "")
            return names.get(key, "@everyone" if key in (EVERYBODY, "all") else f"@{span.get('user_name') or key}")
        case "img":
            files += _image(span)
            return ""
        case "media" | "file":
            files += _file("media", span)
            return ""
        case "emotion":
            return f":{span.get('emoji_type') or ''}:"
        case "code_block":
            return f"\n```{str(span.get('language') or '').lower()}\n{text.rstrip()}\n```\n"
        case "hr":
            return "\n---\n"
        case _:
            return text


def _styled(text: str, style: object) -> str:
    marks = [_MARKS[one] for one in read(style, list[str]) or () if one in _MARKS]
    if not marks or not text.strip():
        return text
    inner = text.strip()
    return text.replace(inner, "".join(marks) + inner + "".join(reversed(marks)), 1)


def _image(found: Json) -> tuple[Piece, ...]:
    key = found.get("image_key")
    return (Piece(key, "image", "image.png", "image/png"),) if isinstance(key, str) and key else ()


def _file(kind: str, found: Json) -> tuple[Piece, ...]:
    key = found.get("file_key")
    if not isinstance(key, str) or not key:
        return ()
    given = str(found.get("file_name") or "")
    if kind == "audio":
        return (Piece(key, "file", given or "voice.opus", "audio/ogg"),)
    return (Piece(key, "file", given or "video.mp4" if kind == "media" else given or key, "application/octet-stream"),)


def _card(found: Json) -> str:
    """The words of a card, as far as Feishu gives them away: title, then texts from top to bottom."""
    texts: list[str] = []
    _collect(found.get("elements", found.get("body")), texts)
    title = str(found.get("title") or "")
    return "\n".join(filter(None, (f"**{title}**" if title else "", " ".join(texts).strip())))


def _collect(node: object, texts: list[str], deeper: int = DEEPEST) -> None:
    if deeper < 0:
        return
    for each in read(node, list[object]) or ():
        _collect(each, texts, deeper - 1)
    found = read(node, Json) or {}
    for name in ("text", "content", "elements", "columns", "fields", "actions"):
        if isinstance(found.get(name), str):
            texts.append(found[name])
        elif name in found:
            _collect(found[name], texts, deeper - 1)


def _title(found: Json) -> str:
    named = found.get("name") or found.get("title") or found.get("topic") or found.get("summary") or ""
    return f": {named}" if isinstance(named, str) and named else ""
