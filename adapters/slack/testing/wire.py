"""JSON as it comes over Slack's wire, and the way Slack says no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard

import msgspec

from botkit.testing import escaping

Json = dict[str, object]


class Refusal(Exception):
    """What Slack answers with `ok: false`: its error code and whatever else the body carries."""

    def __init__(self, error: str, *messages: str, **extra: object) -> None:
        super().__init__(error)
        self.error = error
        self.body: Json = {"ok": False, "error": error, **extra}
        if messages:
            self.body["response_metadata"] = {"messages": list(messages)}


def is_mapping(value: object) -> TypeGuard[Json]:
    return isinstance(value, dict)


def is_sequence(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def mapping(value: object) -> Json:
    """The value if it is a JSON object, else an empty one."""
    return value if is_mapping(value) else {}


def mappings(value: object) -> list[Json]:
    """The JSON objects among the items of a JSON array."""
    return [item for item in value if is_mapping(item)] if is_sequence(value) else []


def string(value: object) -> str:
    return value if isinstance(value, str) else ""


def strings(values: Sequence[object]) -> list[str]:
    return [value for value in values if isinstance(value, str)]


def decode(raw: bytes | str) -> object:
    """Any JSON value; raises `msgspec.DecodeError` for what is none."""
    return msgspec.json.decode(raw, type=object)


def encode(value: object) -> bytes:
    return escaping.encode(value)
