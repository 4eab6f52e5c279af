"""Text as Slack keeps it: typed text escaped, rich text beside it, and what of it a person reads or is pinged by."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from adapters.slack.testing.wire import Json, mapping, mappings, string

_CONTROL = re.compile(r"<(?:@[UW][A-Z0-9]+(?:\|[^>]*)?|#C[A-Z0-9]+(?:\|[^>]*)?|![a-z]+[^>]*|(?:https?|mailto):[^>]+)>")
_LINK = re.compile(r"https?://[^\s<>]+")
_PING = re.compile(r"<(?:@[UW][A-Z0-9]+|!(?:channel|here|everyone)|!subteam\^[A-Z0-9]+)(?:\|[^>]*)?>")
_STRAY = re.compile(r"&(?!(?:amp|lt|gt);)")


def typed(text: str) -> str:
    """What a person's client sends: `&`, `<`, `>` escaped and addresses linked, but mentions as they are."""
    pieces: list[str] = []
    start = 0
    for control in _CONTROL.finditer(text):
        pieces += [_plain(text[start : control.start()]), control[0]]
        start = control.end()
    return "".join([*pieces, _plain(text[start:])])


def posted(text: str) -> str:
    """What Slack stores of an app's text: a stray `&` or bracket becomes an entity, control sequences stay."""
    pieces: list[str] = []
    start = 0
    for control in _CONTROL.finditer(text):
        pieces += [_entities(text[start : control.start()]), control[0]]
        start = control.end()
    return "".join([*pieces, _entities(text[start:])])


def _entities(text: str) -> str:
    return _STRAY.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")


def _plain(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _LINK.sub(lambda link: f"<{link[0]}>", escaped)


def unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def rich_text(text: str, block_id: str) -> Json:
    """The `rich_text` block that Slack adds to what people write."""
    elements: list[Json] = []
    start = 0
    for control in _CONTROL.finditer(text):
        if control.start() > start:
            elements.append({"type": "text", "text": unescape(text[start : control.start()])})
        elements.append(_rich(control[0][1:-1]))
        start = control.end()
    if start < len(text):
        elements.append({"type": "text", "text": unescape(text[start:])})
    section: Json = {"type": "rich_text_section", "elements": elements}
    return {"type": "rich_text", "block_id": block_id, "elements": [section]}


def _rich(control: str) -> Json:
    target, _, label = control.partition("|")
    match target[0]:
        case "@":
            return {"type": "user", "user_id": target[1:]}
        case "#":
            return {"type": "channel", "channel_id": target[1:]}
        case "!":
            return {"type": "broadcast", "range": target[1:]}
        case _:
            return {"type": "link", "url": unescape(target), **({"text": unescape(label)} if label else {})}


def shown(text: str, blocks: Sequence[Json]) -> str:
    """What a person reads, top to bottom: blocks win over text, buttons are `[their label]`."""
    if not blocks:
        return text
    return "\n".join(line for block in blocks for line in _lines(block))


def _lines(block: Json) -> Iterator[str]:
    match block.get("type"):
        case "divider":
            yield "---"
        case "actions":
            yield " ".join(f"[{string(mapping(element.get('text')).get('text'))}]" for element in _elements(block))
        case "rich_text":
            yield "".join(_words(block))
        case "plan":
            yield f"[{string(block.get('title'))}]"
            yield from (_task(task) for task in mappings(block.get("tasks")))
        case "task_card":
            yield _task(block)
        case _:
            yield from (words for words in _words(block) if words)


def _task(task: Json) -> str:
    """A task of a stream, as one line."""
    sign = {"pending": "○", "in_progress": "◔", "complete": "●", "error": "⊗"}[string(task.get("status"))]
    more = (string(task.get(name)) for name in ("details", "output"))
    return " — ".join(filter(None, (f"{sign} {string(task.get('title'))}", *more)))


def _elements(block: Json) -> list[Json]:
    return mappings(block.get("elements"))


def _words(node: Json) -> Iterator[str]:
    text = node.get("text")
    yield text if isinstance(text, str) else string(mapping(text).get("text"))
    if node.get("type") == "user":
        yield f"<@{string(node.get('user_id'))}>"
    if node.get("type") == "link" and not text:
        yield string(node.get("url"))
    for part in (*mappings(node.get("fields")), *_elements(node)):
        yield from _words(part)
    accessory = mapping(node.get("accessory"))
    if accessory.get("type") == "button":
        yield f"[{string(mapping(accessory.get('text')).get('text'))}]"


def pings(text: str, blocks: Sequence[Json]) -> list[str]:
    """The control sequences that notify somebody, in the text and in every formatted text of the blocks."""
    found = [ping[0] for ping in _PING.finditer(text)]
    for block in blocks:
        found += [ping[0] for source in _formatted(block) for ping in _PING.finditer(source)]
    return found


def _formatted(node: Json) -> Iterator[str]:
    if node.get("type") in ("mrkdwn", "markdown"):
        yield string(node.get("text"))
    yield from (string(node.get(name)) for name in ("title", "details", "output") if "task_id" in node)
    for task in mappings(node.get("tasks")):
        yield from _formatted(task)
    text = mapping(node.get("text"))
    for part in (*([text] if text else []), *mappings(node.get("fields")), *_elements(node)):
        yield from _formatted(part)
