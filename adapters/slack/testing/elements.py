"""Block Kit's rules for what stands in blocks: texts, buttons, menus."""

from __future__ import annotations

from typing import Protocol

from adapters.slack.testing.wire import Json, is_mapping

_BUTTON = frozenset({"type", "text", "action_id", "url", "value", "style", "confirm", "accessibility_label"})


class Complaints(Protocol):
    """Takes what is wrong and where."""

    def complain(self, what: str, at: str) -> None: ...

    def length(self, value: object, at: str, *, most: int, least: int = 1) -> None: ...

    def items(self, value: object, at: str, *, most: int) -> list[Json]: ...


def check_text(check: Complaints, text: object, at: str, *, most: int, plain: bool = False) -> None:
    """A text object: `mrkdwn` or `plain_text`, not empty, no longer than `most`."""
    if not is_mapping(text):
        check.complain("must be an object", at)
        return
    kind = text.get("type")
    if kind not in ("plain_text", "mrkdwn") or (plain and kind != "plain_text"):
        check.complain(f"unsupported type: {kind}", f"{at}/type")
    allowed = {"type", "text", "emoji" if kind == "plain_text" else "verbatim"}
    for key in text.keys() - allowed:
        check.complain(f"invalid additional property: {key}", f"{at}/{key}")
    check.length(text.get("text"), f"{at}/text", most=most)


def check_element(check: Complaints, element: Json, at: str) -> None:
    """An interactive element of a section or an actions block."""
    if "action_id" in element:
        check.length(element["action_id"], f"{at}/action_id", most=255)
    match element.get("type"):
        case "button":
            _button(check, element, at)
        case "overflow":
            _options(check, element, at, most=5)
        case "radio_buttons" | "checkboxes":
            _options(check, element, at, most=10)
        case "static_select" | "multi_static_select":
            if "option_groups" not in element:
                _options(check, element, at, most=100)
            if "placeholder" in element:
                check_text(check, element["placeholder"], f"{at}/placeholder", most=150, plain=True)
        case _:
            return


def _button(check: Complaints, button: Json, at: str) -> None:
    for key in button.keys() - _BUTTON:
        check.complain(f"invalid additional property: {key}", f"{at}/{key}")
    check_text(check, button.get("text"), f"{at}/text", most=75, plain=True)
    if "value" in button:
        check.length(button["value"], f"{at}/value", most=2000, least=0)
    if "url" in button:
        check.length(button["url"], f"{at}/url", most=3000)
    if button.get("style", "primary") not in ("primary", "danger"):
        check.complain("value must be one of: primary, danger", f"{at}/style")


def _options(check: Complaints, element: Json, at: str, *, most: int) -> None:
    for index, option in enumerate(check.items(element.get("options"), f"{at}/options", most=most)):
        where = f"{at}/options/{index}"
        check_text(check, option.get("text"), f"{where}/text", most=75)
        check.length(option.get("value"), f"{where}/value", most=150)
