"""Markdown as a card's Markdown. Whatever the text says, it pings nobody and fetches no picture. Pure.

A card escapes with HTML entities, not with backslashes:
https://open.feishu.cn/document/uAjLw4CM/ukzMukzMukzM/feishu-cards/card-json-v2-components/content-components/rich-text
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode as Node

from botkit.markdown import title_of, unfolded
from botkit.tables import aligned

MOST_TABLES = 5
"""Tables that one card shows; with more it is refused (11310), so those are aligned text."""

_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_SCHEME = re.compile(r"https?://[^\s<>]+", re.IGNORECASE)
_URL = re.compile(r"https?://[^\s<>()\[\]\u200b]+")
_MARKS = {"strong": "**", "em": "*", "s": "~~"}
_SPECIAL = re.compile(r"[\\*`~\[\]<>|$!]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")
_LINE_START = re.compile(r"^(\s*)([#\-+=]|\d+(?=[.)]\s))", re.MULTILINE)
_LANGUAGE = re.compile(r"[A-Za-z0-9_+#.-]+")
_FENCE_INSIDE = re.compile("`(?=``)")
_TAG_INSIDE = re.compile(r"<(?=/?(?:at|person)\b)", re.IGNORECASE)
_UNSENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_INDENT = "    "
_BREAK = "\u200b"
"""A zero-width space: in code, where entities are not read, it makes no tag of `<at`."""


def card_markdown(markdown: str, tables: int = MOST_TABLES) -> str:
    """Markdown in the notation of cards; the first `tables` tables as tables."""
    nodes = Node(_PARSER.parse(unfolded(_UNSENDABLE.sub("", markdown)))).children
    return _blocks(nodes, _Budget(tables))


def card_blocks(markdown: str, tables: int = MOST_TABLES) -> list[Folded | str]:
    """The same in pieces: what people open if they want to stands apart from the text before and after it."""
    budget, blocks, between = _Budget(tables), list[Folded | str](), list[Node]()

    def text() -> None:
        written = _blocks(between, budget)
        between.clear()
        if written:
            blocks.append(written)

    for node in Node(_PARSER.parse(_UNSENDABLE.sub("", markdown))).children:
        title = title_of(node.info) if node.type == "fence" else None
        if title is None:
            between.append(node)
        else:
            text()
            blocks.append(Folded(title, _code(node.content, "")))
    text()
    return blocks


def defused(text: str) -> str:
    """Plain text for a text message, where nothing can be escaped: what would be a tag is broken up."""
    return _TAG_INSIDE.sub("<" + _BREAK, _UNSENDABLE.sub("", text))


@dataclass(frozen=True, slots=True)
class Folded:
    """A part that is closed at first. `title` is plain text, `text` in the notation of cards."""

    title: str
    text: str


@dataclass(slots=True)
class _Budget:
    """How many tables may still be tables."""

    tables: int


def _blocks(nodes: list[Node], budget: _Budget) -> str:
    return "\n\n".join(part for part in (_block(node, budget) for node in nodes) if part)


def _block(node: Node, budget: _Budget) -> str:
    match node.type:
        case "heading":
            text = " ".join(_inline(node.children[0], ()).split("\n")) if node.children else ""
            return f"{'#' * int(node.tag[1:])} {text}" if text.strip() else ""
        case "bullet_list" | "ordered_list":
            return _list(node, budget)
        case "blockquote":
            return "\n".join(f"> {line}" for line in _blocks(node.children, budget).split("\n"))
        case "fence" | "code_block":
            return _code(node.content, node.info)
        case "table":
            return _table(node, budget)
        case "hr":
            return "---"
        case "inline":
            return _inline(node, ())
        case "paragraph":
            return "".join(_inline(child, ()) for child in node.children)
        case _:
            return _blocks(node.children, budget) if node.children else _escape(node.content)


def _code(text: str, info: str) -> str:
    language = _LANGUAGE.fullmatch(info.split()[0]) if info.split() else None
    inside = _TAG_INSIDE.sub("<" + _BREAK, _FENCE_INSIDE.sub("`" + _BREAK, text.rstrip()))
    return f"```{language[0] if language else ''}\n{inside}\n```"


def _list(node: Node, budget: _Budget) -> str:
    number = int(node.attrs.get("start", 1))
    tight = all(child.hidden for item in node.children for child in item.children if child.type == "paragraph")
    items: list[str] = []
    for offset, item in enumerate(node.children):
        mark = "- " if node.type == "bullet_list" else f"{number + offset}. "
        items.append(mark + _item(item, budget))
    return ("\n" if tight else "\n\n").join(items)


def _item(item: Node, budget: _Budget) -> str:
    """An item's blocks; what stands under its first line is indented, code never is."""
    parts: list[str] = []
    for child in item.children:
        text, code = _block(child, budget), child.type in ("fence", "code_block", "table")
        if parts and not code:
            text = "\n".join(_INDENT + line if line else line for line in text.split("\n"))
        if not parts and code:
            text = "\n" + text
        parts.append(text)
    return "\n".join(parts)


def _table(table: Node, budget: _Budget) -> str:
    rows = [row for part in table.children for row in part.children]
    if budget.tables < 1:
        cells = [[_plain(cell.children[0]) if cell.children else "" for cell in row.children] for row in rows]
        return _code(aligned(cells), "")
    budget.tables -= 1
    lines = [f"| {' | '.join(_cell(cell) for cell in row.children)} |" for row in rows]
    rule = f"| {' | '.join(_rule(cell) for cell in rows[0].children)} |"
    return "\n".join([lines[0], rule, *lines[1:]])


def _cell(cell: Node) -> str:
    return " ".join(_inline(cell.children[0], ()).split("\n")) if cell.children else ""


def _rule(cell: Node) -> str:
    style = str(cell.attrs.get("style", ""))
    if "center" in style:
        return ":-:"
    return "--:" if "right" in style else "---"


def _inline(node: Node, inside: tuple[str, ...]) -> str:
    """The text of inline nodes; `inside` are the marks already open."""
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
            # A card shows only pictures that were uploaded to Feishu; with another it is refused (200570).
            return _link(str(node.attrs.get("src", "")), node.content)
        case _:
            return _escape(node.content)


def _inline_code(text: str) -> str:
    """Code on one line. The card's reader knows only one kind of mark, so a mark inside becomes its look-alike."""
    return f"`{_TAG_INSIDE.sub('<' + _BREAK, text.replace('`', 'ˋ'))}`"


def _text(text: str) -> str:
    """Plain text with its addresses as links: an escaped one would be none."""
    parts: list[str] = []
    at = 0
    for match in _URL.finditer(text):
        address = match[0].rstrip(".,;:!?'\"*_~}|")
        parts += [_escape(text[at : match.start()]), _link(address, "")]
        at = match.start() + len(address)
    return "".join((*parts, _escape(text[at:])))


def _escape(text: str) -> str:
    """What a card would take for marks, tags or entities, as entities."""
    text = _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", text)
    return _LINE_START.sub(_escaped_start, text)


def _escaped_start(found: re.Match[str]) -> str:
    mark = found[2]
    return found[1] + (f"{mark}{_BREAK}" if mark.isdigit() else f"&#{ord(mark)};")


def _link(address: str, label: str) -> str:
    label = " ".join(label.split())
    if not _SCHEME.fullmatch(address):
        return _escape(f"{label} ({address})" if label and address and label != address else label or address)
    address = address.replace("(", "%28").replace(")", "%29").replace(" ", "%20")
    return f"[{_escape(label or address)}]({address})"


def _plain(node: Node) -> str:
    """The words of inline nodes alone: for links' labels and tables' cells."""
    if node.type in ("softbreak", "hardbreak"):
        return " "
    if not node.children:
        return node.content
    return "".join(_plain(child) for child in node.children)
