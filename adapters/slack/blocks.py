"""What the bot says as the arguments of chat.postMessage and chat.update. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from adapters.slack.format import escape
from adapters.slack.parse import BLOCK
from botkit.model import Action, Conversation

Json = dict[str, object]
Format = Literal["mrkdwn", "markdown"]

SECTION = 2900
"""Slack takes 3,000 characters in a section; the rest is for a code fence that must be closed and opened again."""
LABEL, VALUE, ELEMENTS = 75, 2000, 25
"""Most characters of a button's text and value, most buttons in a row; the Block Kit reference."""
FALLBACK = 3000
"""Characters of the plain text beside blocks: for notifications and screen readers only."""

_FENCE = re.compile(r"^```", re.MULTILINE)


def arguments(text: str, actions: Sequence[Action], *, style: Format, conversation: Conversation) -> Json:
    """The text and blocks of a message.

    `blocks` is always there: an update without it would leave old buttons standing or, with text alone, depend on
    which of Slack's two rules applies. `parse` and `link_names` keep Slack from finding pings in the text;
    chat.update would otherwise default to finding them.
    """
    blocks: list[Json] = []
    if style == "markdown" and text:
        blocks.append({"type": "markdown", "text": text})
    elif actions:
        blocks.extend(_section(part) for part in sections(text))
    blocks += _buttons(actions, conversation)
    shown = text if style == "mrkdwn" else escape(text)  # beside a markdown block it is mrkdwn all the same
    shown = shown[:FALLBACK] if blocks else shown
    return {"text": shown or "…", "blocks": blocks, "parse": "none", "link_names": False}


def comment(text: str, actions: Sequence[Action], nonce: str, conversation: Conversation) -> list[Json]:
    """The blocks of a message that shares files. They take no metadata, so the first block's id holds the nonce.

    Sections in both formats: Slack answers a markdown block there with `internal_error`.
    """
    blocks = [_section(part) for part in sections(text)]
    if nonce:
        blocks[0]["block_id"] = file_block(nonce)
    return [*blocks, *_buttons(actions, conversation)]


def file_block(nonce: str) -> str:
    return f"{BLOCK}-file:{nonce}"


def _section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def sections(text: str) -> Iterator[str]:
    """mrkdwn in pieces that fit a section, cut at line ends, code fences closed and opened again."""
    fenced = False
    while text.strip():
        piece, text = _cut(text, SECTION)
        fences = len(_FENCE.findall(piece))
        opened, fenced = fenced, fenced ^ bool(fences % 2)
        yield ("```\n" if opened else "") + piece + ("\n```" if fenced else "")


def _cut(text: str, most: int) -> tuple[str, str]:
    if len(text) <= most:
        return text, ""
    at = text.rfind("\n", 1, most)
    if at <= 0:
        at = text.rfind(" ", 1, most)
    if at <= 0:
        return text[:most], text[most:]
    return text[:at], text[at + 1 :]


def _buttons(actions: Sequence[Action], conversation: Conversation) -> Iterator[Json]:
    for start in range(0, len(actions), ELEMENTS):
        row = actions[start : start + ELEMENTS]
        yield {
            "type": "actions",
            "block_id": f"{BLOCK}:{conversation.thread}:{start}",
            "elements": [_button(action, start + offset) for offset, action in enumerate(row)],
        }


def _button(action: Action, number: int) -> Json:
    button: Json = {
        "type": "button",
        "action_id": f"{BLOCK}-{number}",
        "text": {"type": "plain_text", "text": _shortened(action.label), "emoji": True},
        "value": action.command[:VALUE],
    }
    return button if action.style == "default" else {**button, "style": action.style}


def _shortened(label: str) -> str:
    return label if len(label) <= LABEL else label[: LABEL - 1] + "…"
