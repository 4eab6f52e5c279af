"""Markdown as Slack's mrkdwn. Whatever the text says, it can ping nobody: only links ever become `<…>`. Pure."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode as Node

from botkit.markdown import unfolded
from botkit.tables import aligned

_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_URL = re.compile(r"https?://[^\s<>|\u200b]+")
_SCHEME = re.compile(r"(?:https?://|mailto:|tel:)[^\s<>|]+", re.IGNORECASE)
_PING = re.compile(r"<(?=[!@#])")
_MARKS = {"strong": "*", "em": "_", "s": "~"}
_FENCE_INSIDE = re.compile("`(?=``)")
_INDENT = "    "
_EDGE = "\u200b"
"""A zero-width space: next to a letter Slack takes `*` for a character, so bold inside a CJK sentence needs an edge."""


def mrkdwn(markdown: str) -> str:
    """Markdown in Slack's notation."""
    return _blocks(Node(_PARSER.parse(unfolded(markdown))).children)


def defused(markdown: str) -> str:
    """Markdown for Slack's `markdown` block: itself, with what Slack would read as a ping broken."""
    return _PING.sub("<" + _EDGE, unfolded(markdown))


def escape(text: str) -> str:
    """Exactly the three characters Slack asks for, https://docs.slack.dev/messaging/formatting-message-text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _blocks(nodes: list[Node]) -> str:
    return "\n\n".join(part for part in map(_block, nodes) if part)


def _block(node: Node) -> str:
    match node.type:
        case "heading":
            return _marked(_inline(node.children[0], ("strong",)), "*") if node.children else ""
        case "bullet_list" | "ordered_list":
            return _list(node)
        case "blockquote":
            return "\n".join(f"> {line}" for line in _blocks(node.children).split("\n"))
        case "fence" | "code_block":
            return _code(node.content)
        case "table":
            return _code(aligned(_rows(node)))
        case "hr":
            return "────────"
        case "inline":
            return _inline(node, ())
        case "paragraph":
            return "".join(_inline(child, ()) for child in node.children)
        case _:
            return _blocks(node.children) if node.children else escape(node.content)


def _code(text: str) -> str:
    return f"```\n{_FENCE_INSIDE.sub('`' + _EDGE, escape(text.rstrip()))}\n```"


def _list(node: Node) -> str:
    number = int(node.attrs.get("start", 1))
    tight = all(child.hidden for item in node.children for child in item.children if child.type == "paragraph")
    items: list[str] = []
    for offset, item in enumerate(node.children):
        mark = "• " if node.type == "bullet_list" else f"{number + offset}. "
        items.append(mark + _item(item))
    return ("\n" if tight else "\n\n").join(items)


def _item(item: Node) -> str:
    """An item's blocks; what stands under its first line is indented, code never is (Slack would show the spaces)."""
    parts: list[str] = []
    for child in item.children:
        text = _block(child)
        if parts and child.type not in ("fence", "code_block", "table"):
            text = "\n".join(_INDENT + line if line else line for line in text.split("\n"))
        if not parts and child.type in ("fence", "code_block", "table"):
            text = "\n" + text
        parts.append(text)
    return "\n".join(parts)


def _rows(table: Node) -> list[list[str]]:
    return [
        [_plain(cell.children[0]) if cell.children else "" for cell in row.children]
        for part in table.children
        for row in part.children
    ]


def _inline(node: Node, inside: tuple[str, ...]) -> str:
    """The text of inline nodes; `inside` are the marks already open, because Slack knows each only once."""
    result = ""
    edge = False
    for child in node.children:
        text = _piece(child, inside)
        if not text:
            continue
        marked = child.type in _MARKS and child.type not in inside
        if (marked and result[-1:].isalnum()) or (edge and text[0].isalnum()):
            result += _EDGE
        result += text
        edge = marked
    return result


def _piece(node: Node, inside: tuple[str, ...]) -> str:
    match node.type:
        case "text":
            return _text(node.content)
        case "softbreak" | "hardbreak":
            return "\n"
        case "code_inline":
            return f"`{escape(node.content.replace('`', 'ˋ'))}`"
        case "strong" | "em" | "s" if node.type in inside:
            return _inline(node, inside)
        case "strong" | "em" | "s":
            return _marked(_inline(node, (*inside, node.type)), _MARKS[node.type])
        case "link":
            return _link(str(node.attrs.get("href", "")), _plain(node))
        case "image":
            return _link(str(node.attrs.get("src", "")), node.content)
        case _:
            return escape(node.content)


def _text(text: str) -> str:
    """Plain text with its addresses as links: nothing else links them, because `parse` is off for safety."""
    parts: list[str] = []
    at = 0
    for match in _URL.finditer(text):
        address = match[0].rstrip(".,;:!?'\"*_~)]}")
        parts += [escape(text[at : match.start()]), _link(address, "")]
        at = match.start() + len(address)
    return "".join((*parts, escape(text[at:])))


def _link(address: str, label: str) -> str:
    label = " ".join(label.split())
    if not _SCHEME.fullmatch(address):
        return escape(f"{label} ({address})" if label and address and label != address else label or address)
    if not label or label == address:
        return f"<{escape(address)}>"
    return f"<{escape(address)}|{escape(label)}>"


def _marked(text: str, mark: str) -> str:
    """Each line in its own marks: Slack's do not reach over a line's end, nor stand beside a space."""
    lines: list[str] = []
    for line in text.split("\n"):
        inner = line.strip()
        lines.append(line.replace(inner, f"{mark}{inner}{mark}", 1) if inner else line)
    return "\n".join(lines)


def _plain(node: Node) -> str:
    """The words of inline nodes alone: for links' labels and tables' cells, where Slack shows no marks."""
    if node.type in ("softbreak", "hardbreak"):
        return " "
    if not node.children:
        return node.content
    return "".join(_plain(child) for child in node.children)
