"""JSON as it comes over Discord's wire, and the way Discord says no."""

from __future__ import annotations

from typing import TypeGuard

import msgspec

from botkit.testing import escaping

Json = dict[str, object]

_REFUSALS: dict[int, tuple[int, str]] = {
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10013: (404, "Unknown User"),
    10014: (400, "Unknown Emoji"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    10063: (404, "Unknown application command"),
    20001: (403, "Bots cannot use this endpoint"),
    30032: (400, "Maximum number of application commands reached (100)"),
    30034: (400, "Max number of daily application command creates has been reached (200)"),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    50001: (403, "Missing Access"),
    50003: (403, "Cannot execute action on a DM channel"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50013: (403, "Missing Permissions"),
    50021: (403, "Cannot execute action on a system message"),
    50024: (400, "Cannot execute action on this channel type"),
    50027: (401, "Invalid Webhook Token"),
    50035: (400, "Invalid Form Body"),
    50068: (400, "Invalid message type"),
    50083: (400, "Thread is archived"),
    50109: (400, "The request body contains invalid JSON."),
    160002: (403, "Cannot reply without permission to read message history"),
    160004: (400, "A thread has already been created for this message"),
}
"""https://docs.discord.com/developers/topics/opcodes-and-status-codes#json: code, HTTP status and message."""


class Refusal(Exception):
    """What Discord answers instead of doing it: a status, its own code, a message, and for forms the errors."""

    def __init__(self, code: int, *, status: int = 0, message: str = "", errors: Json | None = None) -> None:
        known = _REFUSALS.get(code, (400, str(code)))
        self.code, self.status, message = code, status or known[0], message or known[1]
        super().__init__(message)
        self.body: Json = {"message": message, "code": code}
        if errors is not None:
            self.body["errors"] = errors


def is_mapping(value: object) -> TypeGuard[Json]:
    return isinstance(value, dict)


def is_sequence(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def mapping(value: object) -> Json:
    """The value if it is a JSON object, else an empty one."""
    return value if is_mapping(value) else {}


def mappings(value: object) -> list[Json]:
    """The JSON objects among the items of a JSON array."""
    return [item for item in value if is_mapping(item)] if is_sequence(value) else []


def sequence(value: object) -> list[object]:
    return value if is_sequence(value) else []


def string(value: object) -> str:
    return value if isinstance(value, str) else ""


def number(value: object) -> int:
    return value if is_number(value) else 0


def decode(raw: bytes | str) -> object:
    """Any JSON value; raises `msgspec.DecodeError` for what is none."""
    return msgspec.json.decode(raw, type=object)


def encode(value: object) -> bytes:
    return escaping.encode(value)
