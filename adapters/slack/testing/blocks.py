"""Block Kit's rules for messages: what Slack answers with `invalid_blocks`, and why.

https://docs.slack.dev/reference/block-kit: limits of blocks, elements and composition objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.slack.testing.elements import check_element, check_text
from adapters.slack.testing.wire import Json, is_mapping, is_sequence, mappings, string

MAX_BLOCKS = 50
MAX_MARKDOWN = 12_000
"""All markdown blocks of a message together."""
MAX_MIXED = 11_300
"""Undocumented: 11,341 characters in rich_text and section were refused (bolt-js#2867)."""
MAX_TOTAL = 13_200
"""Undocumented: with markdown blocks alone about 13,297 are refused (bolt-js#2509)."""

_KEYS: dict[str, frozenset[str]] = {
    "section": frozenset({"text", "fields", "accessory", "expand"}),
    "divider": frozenset(),
    "image": frozenset({"image_url", "slack_file", "alt_text", "title"}),
    "actions": frozenset({"elements"}),
    "context": frozenset({"elements"}),
    "header": frozenset({"text", "level"}),
    "rich_text": frozenset({"elements"}),
    "markdown": frozenset({"text"}),
    "table": frozenset({"rows", "column_settings"}),
    "context_actions": frozenset({"elements"}),
    "video": frozenset({"alt_text", "author_name", "description", "thumbnail_url", "title", "title_url", "video_url"}),
}
_INTERACTIVE = frozenset(
    {"button", "checkboxes", "radio_buttons", "datepicker", "datetimepicker", "timepicker", "overflow"}
    | {"workflow_button", "static_select", "external_select", "users_select", "conversations_select"}
    | {"channels_select", "multi_static_select", "multi_users_select"}
)


def check_blocks(blocks: Sequence[object]) -> list[str]:
    """Slack's complaints about the blocks of a message, [] if it takes them."""
    check = Check()
    if len(blocks) > MAX_BLOCKS:
        check.complain(f"no more than {MAX_BLOCKS} items allowed", "")
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        at = f"/{index}"
        if not is_mapping(block):
            check.complain("must be an object", at)
            continue
        _block(check, block, at)
        block_id = string(block.get("block_id"))
        if block_id and block_id in seen:
            check.complain(f"block_id {block_id!r} already exists", f"{at}/block_id")
        seen.add(block_id)
    markdown = sum(len(string(block.get("text"))) for block in mappings(list(blocks)) if block["type"] == "markdown")
    if markdown > MAX_MARKDOWN:
        check.complain(f"markdown blocks must have no more than {MAX_MARKDOWN} characters in all", "")
    if sum(1 for block in mappings(list(blocks)) if block["type"] == "table") > 1:
        check.complain("only one table allowed", "")
    return check.complaints


def too_long(blocks: Sequence[Json]) -> bool:
    """Whether the texts of all blocks together pass the limit behind `msg_blocks_too_long`."""
    only_markdown = all(block.get("type") in ("markdown", "actions", "divider") for block in blocks)
    return sum(_length(block) for block in blocks) > (MAX_TOTAL if only_markdown else MAX_MIXED)


def _length(node: object) -> int:
    if is_sequence(node):
        return sum(_length(item) for item in node)
    if not is_mapping(node):
        return 0
    own = len(string(node.get("text")))
    return own + sum(_length(value) for value in node.values())


@dataclass(slots=True)
class Check:
    """Collects complaints in Slack's wording, with the place in JSON."""

    complaints: list[str] = field(default_factory=list[str])

    def complain(self, what: str, at: str) -> None:
        self.complaints.append(f"[ERROR] {what} [json-pointer:/blocks{at}]")

    def length(self, value: object, at: str, *, most: int, least: int = 1) -> None:
        if not isinstance(value, str):
            self.complain("must be a string", at)
        elif len(value) < least:
            self.complain(f"must be more than {least - 1} characters", at)
        elif len(value) > most:
            self.complain(f"must be less than {most + 1} characters", at)

    def items(self, value: object, at: str, *, most: int) -> list[Json]:
        if not is_sequence(value) or not value:
            self.complain("no less than 1 items allowed", at)
            return []
        if len(value) > most:
            self.complain(f"no more than {most} items allowed", at)
        if not all(is_mapping(item) for item in value):
            self.complain("must be an object", at)
        return mappings(value)


def _block(check: Check, block: Json, at: str) -> None:
    kind = block.setdefault("type", "")
    if not isinstance(kind, str) or kind not in _KEYS:
        check.complain(f"unsupported type: {kind}", f"{at}/type")
        return
    for key in block.keys() - _KEYS[kind] - {"type", "block_id"}:
        check.complain(f"invalid additional property: {key}", f"{at}/{key}")
    if "block_id" in block:
        check.length(block["block_id"], f"{at}/block_id", most=255)
    match kind:
        case "section":
            _section(check, block, at)
        case "header":
            check_text(check, block.get("text"), f"{at}/text", most=150, plain=True)
        case "markdown":
            check.length(block.get("text"), f"{at}/text", most=MAX_MARKDOWN)
        case "actions":
            _actions(check, block, at)
        case "context":
            for index, element in enumerate(check.items(block.get("elements"), f"{at}/elements", most=10)):
                _context(check, element, f"{at}/elements/{index}")
        case _:
            _media(check, block, at)


def _media(check: Check, block: Json, at: str) -> None:
    match block["type"]:
        case "image":
            check.length(block.get("alt_text"), f"{at}/alt_text", most=2000)
            check.length(block.get("image_url"), f"{at}/image_url", most=3000)
        case "rich_text":
            check.items(block.get("elements"), f"{at}/elements", most=1000)
        case "table":
            check.items([{"row": row} for row in _rows(block)], f"{at}/rows", most=100)
        case _:
            return


def _rows(block: Json) -> list[object]:
    rows = block.get("rows")
    return rows if is_sequence(rows) else []


def _section(check: Check, block: Json, at: str) -> None:
    if "text" not in block and "fields" not in block:
        check.complain("missing required field: text", at)
    if "text" in block:
        check_text(check, block["text"], f"{at}/text", most=3000)
    if "fields" in block:
        for index, text in enumerate(check.items(block["fields"], f"{at}/fields", most=10)):
            check_text(check, text, f"{at}/fields/{index}", most=2000)
    if "accessory" in block:
        accessory = block["accessory"]
        if not is_mapping(accessory) or accessory.get("type") not in _INTERACTIVE | {"image"}:
            check.complain("unsupported accessory", f"{at}/accessory")
        else:
            check_element(check, accessory, f"{at}/accessory")


def _actions(check: Check, block: Json, at: str) -> None:
    seen: set[str] = set()
    for index, element in enumerate(check.items(block.get("elements"), f"{at}/elements", most=25)):
        where = f"{at}/elements/{index}"
        if element.get("type") not in _INTERACTIVE:
            check.complain(f"unsupported type: {element.get('type')}", f"{where}/type")
            continue
        check_element(check, element, where)
        action_id = string(element.get("action_id"))
        if action_id and action_id in seen:
            check.complain(f"`action_id` {action_id!r} already exists in this block", f"{where}/action_id")
        seen.add(action_id)


def _context(check: Check, element: Json, at: str) -> None:
    match element.get("type"):
        case "mrkdwn" | "plain_text":
            check_text(check, element, at, most=3000)
        case "image":
            check.length(element.get("alt_text"), f"{at}/alt_text", most=2000)
        case kind:
            check.complain(f"unsupported type: {kind}", f"{at}/type")
