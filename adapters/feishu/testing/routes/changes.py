"""The actions of CardKit's `batch_update`, which its single methods share.

https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/cardkit-v1/card/batch_update
"""

from __future__ import annotations

from adapters.feishu.testing import cards
from adapters.feishu.testing.wire import Json, Refusal, is_mapping, is_sequence, mapping, sequence, string, strings


def changed(card: Json, action: Json) -> None:
    """Change a card in place. Raises Refusal for an action that is none, or an element that is not there."""
    params = mapping(action.get("params"))
    match action.get("action"):
        case "partial_update_setting":
            settings = mapping(params.get("settings"))
            card["config"] = {**mapping(card.get("config")), **mapping(settings.get("config"))}
        case "add_elements":
            _add(card, params)
        case "delete_elements":
            for element_id in strings(sequence(params.get("element_ids"))):
                row, index = _place(card, element_id)
                del row[index]
        case "update_element":
            row, index = _place(card, string(params.get("element_id")))
            element = params.get("element")
            if not is_mapping(element):
                raise Refusal(300313, "ErrMsg: Failed to update element; ")
            row[index] = {"element_id": params.get("element_id"), **element}
        case "partial_update_element":
            row, index = _place(card, string(params.get("element_id")))
            partial = params.get("partial_element")
            if (
                not is_mapping(partial)
                or partial.get("tag", mapping(row[index]).get("tag")) != mapping(row[index])["tag"]
            ):
                raise Refusal(300313, "ErrMsg: Failed to update element properties; ")
            row[index] = {**mapping(row[index]), **partial}
        case unknown:
            raise Refusal(10002, ext=f"unknown action {unknown}")


def _add(card: Json, params: Json) -> None:
    elements, target = params.get("elements"), string(params.get("target_element_id"))
    if not is_sequence(elements) or not elements:
        raise Refusal(10002, ext="elements is not a list in json format")
    match params.get("type"):
        case "append" if target:
            row, index = _place(card, target)
            mapping(row[index]).setdefault("elements", [])
            inner = mapping(row[index]).get("elements")
            sequence(inner).extend(elements)
        case "append":
            sequence(mapping(card.get("body")).get("elements")).extend(elements)
        case "insert_before" | "insert_after" as where:
            row, index = _place(card, target)
            at = index if where == "insert_before" else index + 1
            row[at:at] = elements
        case unknown:
            raise Refusal(10002, ext=f"unknown type {unknown}")


def _place(card: Json, element_id: str) -> tuple[list[object], int]:
    found = cards.siblings(mapping(card.get("body")), element_id)
    if found is None:
        raise Refusal(300313, f"ErrMsg: not find elementID: {element_id}; ")
    return found
