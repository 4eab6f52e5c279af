"""Markdown as Discord's Markdown. Whatever the text says, it pings nobody, and no link in it is looked at. Pure."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode as Node

from botkit.markdown import title_of
from botkit.tables import aligned

_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_URL = re.compile(r"https?://[^\s<>\u200b]+")
_SCHEME = re.compile(r"https?://[^\s<>]+", re.IGNORECASE)
_MARKS = {"strong": "**", "em": "*", "s": "~~"}
_SPECIAL = re.compile(r"[\\*`|~]|(?<![^\W_])_|_(?![^\W_])|(?<=\])\(")
_PING = re.compile(r"<(?=[@#]|a?:\w+:|t:-?\d|id:|/[^<>:\n]+:\d)|@(?=everyone|here)")
_LINE_START = re.compile(r"^(?=(?:#{1,3}|-#|>(?:>>)?|[-+])(?:\s|$))", re.MULTILINE)
_NUMBER_START = re.compile(r"^(\d+)(?=[.)](?:\s|$))", re.MULTILINE)
_LANGUAGE = re.compile(r"[A-Za-z0-9_+#.-]+")
_FENCE_INSIDE = re.compile("`(?=``)")
_INDENT = "  "
_BREAK = "\u200b"
"""A zero-width space: between `@` and `everyone` it makes words of a ping."""


def discord_markdown(markdown: str) -> str:
    """Markdown in Discord's notation."""
    return _blocks(Node(_PARSER.parse(markdown)).children)


def _blocks(nodes: list[Node]) -> str:
    return "\n\n".join(part for part in map(_block, nodes) if part)


def _block(node: Node) -> str:
    match node.type:
        case "heading":
            return _heading(node)
        case "bullet_list" | "ordered_list":
            return _list(node)
        case "blockquote":
            return "\n".join(f"> {line}" for line in _blocks(node.children).split("\n"))
        case "fence" if (title := title_of(node.info)) is not None:
            return _folded(title, node.content)
        case "fence" | "code_block":
            return _code(node.content, node.info)
        case "table":
            return _code(aligned(_rows(node)), "")
        case "hr":
            return "────────"
        case "inline":
            return _inline(node, ())
        case "paragraph":
            return "".join(_inline(child, ()) for child in node.children)
        case _:
            return _blocks(node.children) if node.children else _escape(node.content)


def _heading(node: Node) -> str:
    """Discord knows three sizes; smaller ones are bold."""
    if not node.children:
        return ""
    level = int(node.tag[1:])
    text = " ".join(_inline(node.children[0], () if level <= 3 else ("strong",)).split("\n"))
    if not text:
        return ""
    return f"{'#' * level} {text}" if level <= 3 else f"**{text}**"


def _code(text: str, info: str) -> str:
    language = _LANGUAGE.fullmatch(info.split()[0]) if info.split() else None
    return f"```{language[0] if language else ''}\n{_FENCE_INSIDE.sub('`' + _BREAK, text.rstrip())}\n```"


def _folded(title: str, text: str) -> str:
    """Small print, and a spoiler that is opened with a click. A spoiler ends at the next two bars, also inside code."""
    return f"-# {_escape(title)}\n||{_code(text.replace('||', '|' + _BREAK + '|'), '')}||"


def _list(node: Node) -> str:
    number = int(node.attrs.get("start", 1))
    tight = all(child.hidden for item in node.children for child in item.children if child.type == "paragraph")
    items: list[str] = []
    for offset, item in enumerate(node.children):
        mark = "- " if node.type == "bullet_list" else f"{number + offset}. "
        items.append(mark + _item(item))
    return ("\n" if tight else "\n\n").join(items)


def _item(item: Node) -> str:
    """An item's blocks; what stands under its first line is indented, code never is (Discord would show the spaces)."""
    parts: list[str] = []
    for child in item.children:
        text, code = _block(child), child.type in ("fence", "code_block", "table")
        if parts and not code:
            text = "\n".join(_INDENT + line if line else line for line in text.split("\n"))
        if not parts and code:
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
    """The text of inline nodes; `inside` are the marks already open, because Discord knows each only once."""
    return "".join(_piece(child, inside) for child in node.children)


def _piece(node: Node, inside: tuple[str, ...]) -> str:
    match node.type:
        case "text":
            return _text(node.content)
        case "softbreak" | "hardbreak":
            return "\n"
        case "code_inline":
            return _inline_code(node.content)
        case "strong" | "em" | "s" if node.type in inside:
            return _inline(node, inside)
        case "strong" | "em" | "s":
            text, mark = _inline(node, (*inside, node.type)), _MARKS[node.type]
            return f"{mark}{text}{mark}" if text.strip() else text
        case "link":
            return _link(str(node.attrs.get("href", "")), _plain(node))
        case "image":
            return _link(str(node.attrs.get("src", "")), node.content)
        case _:
            return _escape(node.content)


def _inline_code(text: str) -> str:
    mark = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    if len(mark) > 2:  # three would begin a block
        text, mark = text.replace("`", "ˋ"), "`"
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{mark}{pad}{text}{pad}{mark}"


def _text(text: str) -> str:
    """Plain text with its addresses in angle brackets: so Discord links them and leaves the page alone."""
    parts: list[str] = []
    at = 0
    for match in _URL.finditer(text):
        address = match[0].rstrip(".,;:!?'\"*_~)]}|")
        parts += [_escape(text[at : match.start()]), f"<{address}>"]
        at = match.start() + len(address)
    return "".join((*parts, _escape(text[at:])))


def _escape(text: str) -> str:
    """The characters that Discord would take for marks, and what it would take for a ping, a channel or a time."""
    text = _SPECIAL.sub(lambda found: "\\" + found[0], text)
    text = _PING.sub(lambda found: found[0] + _BREAK, text)
    return _NUMBER_START.sub(r"\1" + "\\\\", _LINE_START.sub("\\\\", text))


def _link(address: str, label: str) -> str:
    label = " ".join(label.split())
    if not _SCHEME.fullmatch(address):
        return _escape(f"{label} ({address})" if label and address and label != address else label or address)
    if not label or label == address or _URL.search(label):
        # Discord shows no link whose words name another address.
        words = "" if not label or label == address else f" ({_text(label)})"
        return f"<{address}>{words}"
    return f"[{_escape(label).replace('[', '(').replace(']', ')')}](<{address}>)"


def _plain(node: Node) -> str:
    """The words of inline nodes alone: for links' labels and tables' cells."""
    if node.type in ("softbreak", "hardbreak"):
        return " "
    if not node.children:
        return node.content
    return "".join(_plain(child) for child in node.children)
