"""Cards and texts as Feishu takes them (JSON 2.0): one block of Markdown, buttons under it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from adapters.feishu.format import Folded, defused
from adapters.feishu.wire import Json
from botkit.markdown import plain
from botkit.model import Action, Conversation, Outgoing

MOST = 27_000
"""Bytes of a text in a card: the whole request takes 30 KB."""
REQUEST = 30 * 1024
LONGEST_TEXT = 150 * 1024
BUTTONS = 60
"""Of a card's 200 elements each takes three."""
SUMMARY = 120
EMPTY = "\u200b"
"""A zero-width space, where a text must not be empty."""
STREAMING: Json = {
    "streaming_mode": True,
    "streaming_config": {"print_strategy": "fast"},  # what is not typed yet appears at once when more text arrives
}
"""In a card's `config` while it grows."""
COMMAND = "botkit"
"""Names the command in a button's value."""


def dumps(value: object) -> str:
    """Compact JSON, as `content` and `data` carry it."""
    return msgspec.json.encode(value).decode()


def weight(text: str) -> int:
    """Bytes that a text takes in a request, where it is JSON inside of JSON; 0 for an empty one."""
    return len(msgspec.json.encode(dumps(text))) - 6


def card(
    blocks: Sequence[Folded | str], actions: Sequence[Action], conversation: Conversation, *, summary: str, mark: str
) -> Json:
    """A card with text in the notation of cards. Its first element goes by the name `mark`, whatever it shows."""
    first = blocks[0] if blocks and isinstance(blocks[0], str) else ""
    rest = blocks[1:] if first else blocks
    text: Json = {"tag": "markdown", "element_id": mark, "content": first or (EMPTY if rest else "…")}
    return _card([text, *map(_block, rest)], actions, conversation, summary=summary)


def text_of(card: Json) -> tuple[str, str]:
    """The mark and the text that were put into a `card`."""
    text = card["body"]["elements"][0]
    return str(text["element_id"]), str(text["content"])


def plain_card(words: str, actions: Sequence[Action], conversation: Conversation, *, mark: str) -> Json:
    """A card with nothing in it that could be badly formatted."""
    text: Json = {"tag": "div", "element_id": mark, "text": {"tag": "plain_text", "content": words or "…"}}
    return _card([text], actions, conversation, summary=words)


def words(outgoing: Outgoing) -> str:
    """A message in plain words, its buttons as the commands they stand for."""
    lines = (f"{action.label}: {action.command}" for action in outgoing.actions)
    return defused("\n".join(filter(None, (plain(outgoing.text), *lines)))) or "…"


def summary(text: str) -> str:
    """The first words of a message, for lists of chats and notifications."""
    short = " ".join(plain(text[: SUMMARY * 8]).split())
    return short if len(short) <= SUMMARY else short[: SUMMARY - 1] + "…"


def mark_of(nonce: str, *, streams: bool) -> str:
    """The `element_id` of a message's text: it is typed into by this name, and the message found again by it.

    `streams`: the card is one of CardKit's, which are changed in another way than ordinary ones.
    """
    return f"{'s' if streams else 't'}{hashlib.sha256(nonce.encode()).hexdigest()[:19]}"


def uuid(nonce: str) -> str:
    """A nonce within the 50 characters of Feishu's `uuid`."""
    return hashlib.sha256(nonce.encode()).hexdigest()[:40]


def _card(elements: Sequence[Json], actions: Sequence[Action], conversation: Conversation, *, summary: str) -> Json:
    config: Json = {
        "update_multi": True,  # else a card cannot be changed for everybody
        "streaming_mode": False,
        "width_mode": "fill",
        "summary": {"content": " ".join(summary.split())[:SUMMARY] or "…"},
    }
    row = [_column(action, conversation) for action in actions[:BUTTONS]]
    buttons = [{"tag": "column_set", "flex_mode": "flow", "columns": row}] if row else []
    return {"schema": "2.0", "config": config, "body": {"elements": [*elements, *buttons]}}


def _block(block: Folded | str) -> Json:
    if isinstance(block, str):
        return {"tag": "markdown", "content": block}
    title = {"tag": "plain_text", "content": block.title}
    inside = {"tag": "markdown", "content": block.text}
    return {"tag": "collapsible_panel", "expanded": False, "header": {"title": title}, "elements": [inside]}


def _column(action: Action, conversation: Conversation) -> Json:
    # A press tells the chat and the card, not the topic: it comes back in the value.
    value = {COMMAND: action.command, "topic": conversation.thread, "direct": conversation.direct}
    button = {
        "tag": "button",
        "text": {"tag": "plain_text", "content": action.label},
        "type": action.style,
        "behaviors": [{"type": "callback", "value": value}],
    }
    return {"tag": "column", "width": "auto", "elements": [button]}
