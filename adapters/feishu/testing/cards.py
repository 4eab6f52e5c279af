"""Cards: what Feishu refuses in one, finding elements in it, and what a person reads of it.

https://open.feishu.cn/document/uAjLw4CM/ukzMukzMukzM/feishu-cards/card-json-v2-structure
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from adapters.feishu.testing.marks import ats, images, prose, rendered, tables
from adapters.feishu.testing.wire import Json, is_mapping, is_sequence, mapping, mappings, names, string

MAX_BYTES, MAX_ELEMENTS, MAX_TABLES = 30 * 1024, 200, 5
_ELEMENT_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,19}")
_GONE_IN_V2 = frozenset({"note", "action"})
_TEXTS = frozenset({"plain_text", "lark_md", "markdown"})
_KNOWN = _TEXTS | names(
    "div hr img img_combination person person_list chart table audio column_set column form interactive_container "
    "collapsible_panel button input select_static multi_select_static select_person multi_select_person overflow "
    "date_picker picker_time picker_datetime checker select_img repeat text_tag standard_icon custom_icon option "
    "note action"
)


@dataclass
class CardProblem(Exception):
    """Why a card cannot be: Feishu's sub-code, its sentence, and the value it names."""

    code: int
    sentence: str
    value: str = ""

    def __str__(self) -> str:
        tail = f"ErrorValue: {self.value}; " if self.value else ""
        return f"ErrCode: {self.code}; ErrMsg: {self.sentence}; {tail}"


def check(card: Json, *, known: Callable[[str], bool], image: Callable[[str], bool]) -> None:
    """Raises CardProblem. `known` says whether an id names somebody, `image` whether a key is an uploaded image."""
    if string(card.get("schema")) not in ("", "1.0", "2.0"):
        raise CardProblem(200621, "parse card json err, please check whether the card json is correct", "schema")
    v2 = card.get("schema") == "2.0"
    root = mapping(card.get("body")).get("elements") if v2 else card.get("elements", card.get("i18n_elements"))
    if not is_sequence(root) and not is_mapping(root):
        raise CardProblem(200621, "parse card json err, please check whether the card json is correct", "elements")
    every, ids = list(walk(root)), set[str]()
    if len(every) > MAX_ELEMENTS:
        raise CardProblem(300305, "element exceeds the limit")
    for element in every:
        _check_element(element, ids, v2=v2)
    _check_texts([*every, *walk(card.get("header"))], known, image)


def _check_element(element: Json, ids: set[str], *, v2: bool) -> None:
    tag = string(element.get("tag"))
    if v2 and tag in _GONE_IN_V2:
        raise CardProblem(200861, "cards of schema V2 no longer support this capability", f"unsupported tag {tag}")
    if tag not in _KNOWN:
        raise CardProblem(200621, "parse card json err, please check whether the card json is correct", f"tag {tag}")
    if tag in _TEXTS and not isinstance(element.get("content"), str):
        raise CardProblem(
            200621, "parse card json err, please check whether the card json is correct", f"{tag}.content"
        )
    element_id = element.get("element_id")
    if element_id is None:
        return
    if not isinstance(element_id, str) or not _ELEMENT_ID.fullmatch(element_id):
        raise CardProblem(200621, "element id is invalid", str(element_id))
    if element_id in ids:
        raise CardProblem(200621, "element id is duplicate", element_id)
    ids.add(element_id)


def _check_texts(every: list[Json], known: Callable[[str], bool], image: Callable[[str], bool]) -> None:
    texts = [string(element.get("content")) for element in every if element.get("tag") in ("markdown", "lark_md")]
    whole = sum(tables(text) for text in texts) + sum(1 for element in every if element.get("tag") == "table")
    if whole > MAX_TABLES:
        raise CardProblem(11310, "card table number over limit", "table")
    for text in texts:
        for _, who in ats(prose(text)):
            if who != "all" and not known(who):
                raise CardProblem(100290, "There is an invalid user resource(at/person) in your card", who)
    keys = [key for text in texts for key in images(text)]
    keys += [string(element.get("img_key")) for element in every if element.get("tag") == "img"]
    for key in keys:
        if not image(key):
            raise CardProblem(200570, "card contains invalid image keys", f"image key {key}")


def walk(node: object) -> Iterator[Json]:
    """Every object with a tag, outermost first. Callback values are the app's own and not looked into."""
    if is_mapping(node):
        if isinstance(node.get("tag"), str):
            yield node
        for name, value in node.items():
            if name not in ("value", "behaviors", "chart_spec"):
                yield from walk(value)
    elif is_sequence(node):
        for item in node:
            yield from walk(item)


def find(card: Json, element_id: str) -> Json | None:
    """The element with that id."""
    return next((element for element in walk(card.get("body")) if element.get("element_id") == element_id), None)


def siblings(node: object, element_id: str) -> tuple[list[object], int] | None:
    """The list an element stands in, and where."""
    items = list(node.values()) if is_mapping(node) else node
    if not is_sequence(items):
        return None
    for index, item in enumerate(items):
        if is_sequence(node) and mapping(item).get("element_id") == element_id:
            return node, index
        if (found := siblings(item, element_id)) is not None:
            return found
    return None


def notified(card: Json) -> list[str]:
    """The ids in the `<at>`s of a card."""
    texts = [string(one.get("content")) for one in walk(card) if one.get("tag") in ("markdown", "lark_md")]
    return [who for text in texts for _, who in ats(prose(text))]


def buttons(card: Json) -> list[Json]:
    """Its buttons, top to bottom."""
    return [element for element in walk(card) if element.get("tag") == "button"]


def label(button: Json) -> str:
    return string(mapping(button.get("text")).get("content"))


def read(card: Json, names: dict[str, str]) -> str:
    """What a person reads, top to bottom: `[labels]` for buttons, `▸ title` above what is folded away."""
    header = mapping(card.get("header"))
    lines = [string(mapping(header.get(part)).get("content")) for part in ("title", "subtitle")]
    body = mapping(card.get("body")).get("elements") if card.get("schema") == "2.0" else card.get("elements")
    for element in mappings(body):
        lines += _lines(element, names)
    return "\n".join(line for line in lines if line)


def _lines(element: Json, names: dict[str, str]) -> Iterator[str]:
    match element.get("tag"):
        case "markdown" | "lark_md":
            yield rendered(string(element.get("content")), names)
        case "plain_text":
            yield string(element.get("content"))
        case "hr":
            yield "---"
        case "img":
            yield "[image]"
        case "button":
            yield f"[{label(element)}]"
        case "table":
            for row in mappings(element.get("rows")):
                yield " | ".join(str(value) for value in row.values())
        case "collapsible_panel":
            title = string(mapping(mapping(element.get("header")).get("title")).get("content"))
            yield f"▸ {title}"
            yield from _inner(element, names)
        case _:
            yield from _inner(element, names)


def _inner(element: Json, names: dict[str, str]) -> Iterator[str]:
    text = mapping(element.get("text"))
    if text:
        yield from _lines(text, names)
    for field in mappings(element.get("fields")):
        yield from _lines(mapping(field.get("text")), names)
    for part in ("elements", "columns", "actions"):
        row = [line for inner in mappings(element.get(part)) for line in _lines(inner, names)]
        yield from ([" ".join(row)] if part == "actions" and row else row)
