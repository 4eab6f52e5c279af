"""JSON as it comes over Feishu's wire, and the way Feishu says no."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TypeGuard

import msgspec

from botkit.testing import escaping

Json = dict[str, object]

_SENTENCES: dict[int, str] = {
    9499: "Bad Request",
    10003: "invalid param",
    10014: "app secret invalid",
    10002: "Your request contains an invalid request parameter.",
    99991400: "request trigger frequency limit",
    99991661: "Missing access token for authorization. Please make a request with token attached.",
    99991663: "Invalid access token for authorization. Please make a request with a valid access token.",
    99992351: "The user_id is not exist or is not visible to the app.",
    99992361: "open_id cross app",
    99992402: "field validation failed",
    230001: "Your request contains an invalid request parameter",
    230002: "The bot can not be outside the group.",
    230011: "The message is recalled.",
    230018: "These operations are NOT allowed at current group settings.",
    230020: "This operation triggers the frequency limit.",
    230025: "The length of the message content reaches its limit.",
    230031: "Message has expired when updating message, ext=Message can only be updated within fourteen days.",
    230054: "This operation is not supported for this message type.",
    230055: "The type of file upload does not match the type of message being sent.",
    230071: "The operator is not the sender of the message.",
    230072: "The message has reached the number of times it can be edited.",
    230075: "The message has exceeded the time that can be edited.",
    230110: "Action unavailable as the message has been deleted.",
    231001: "reaction type is invalid.",
    231003: "The message is invalid.",
    231007: "The operator has no permission to delete the reaction.",
    232006: "Your request specifies a chat_id which is invalid.",
    232009: "Your request specifies a chat which has already been dissolved.",
    232011: "Operator can NOT be out of the chat.",
    234001: "Invalid request param.",
    234003: "File not in message.",
    234004: "App not in chat.",
    234006: "The file size exceed the max value.",
    234010: "File's size can't be 0.",
    234011: "Can't regonnize the image format.",
    234037: "Downloaded file size exceeds limit.",
    234043: "Unsupported message type.",
    200740: "ErrMsg: The card entity does not exist; ",
    200750: "ErrMsg: The card entity has expired; ",
    200770: "ErrMsg: UUID conflict; ",
    200810: "ErrMsg: The card is in an ongoing interaction and cannot be updated; ",
    200850: "ErrMsg: card streaming timeout; ",
    200860: "ErrMsg: Card content exceeds limit; ",
    300302: "ErrMsg: update_multi property is false; ",
    300305: "ErrMsg: element exceeds the limit; ",
    300307: "ErrMsg: The card DSL is empty; ",
    300309: "ErrMsg: streaming mode is closed; ",
    300310: "ErrMsg: Only update text; ",
    300311: "ErrMsg: The current application does not have permission to update/use this card; ",
    300317: "ErrMsg: The sequence number for operating on the card did not increment consecutively; ",
}
"""The sentences beside the codes, from the error tables of the documentation pages of each method."""


class Refusal(Exception):
    """What Feishu answers instead of doing it: almost always HTTP 400, and in the body its own code and a sentence.

    `ext` is what it adds to the sentence, `error` the object beside it (field and permission violations).
    """

    def __init__(
        self, code: int, message: str = "", *, ext: str = "", status: int = 400, error: Json | None = None
    ) -> None:
        sentence = message or _SENTENCES.get(code, "")
        self.code, self.status = code, status
        self.message = f"{sentence}, ext={ext}" if ext else sentence
        self.error = error or {}
        self.headers: dict[str, str] = {}
        super().__init__(f"{code} {self.message}")

    @property
    def body(self) -> Json:
        log_id = secrets.token_hex(17).upper()
        return {"code": self.code, "msg": self.message, "error": {"log_id": log_id, **self.error}}


def missing(field: str) -> Refusal:
    """A required field that is not there, refused by the gateway before any method sees the call."""
    return Refusal(99992402, error={"field_violations": [{"field": field, "description": f"{field} is required"}]})


def misfit(field: str, description: str) -> Refusal:
    """A field outside its validation rules."""
    return Refusal(99992402, error={"field_violations": [{"field": field, "description": description}]})


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


def strings(values: Sequence[object]) -> list[str]:
    return [value for value in values if isinstance(value, str)]


def decode(raw: bytes | str) -> object:
    """Any JSON value; raises `msgspec.DecodeError` for what is none."""
    return msgspec.json.decode(raw, type=object)


def decoded(raw: bytes | str) -> object:
    """Any JSON value; None for what is none."""
    try:
        return decode(raw)
    except msgspec.DecodeError:
        return None


def encode(value: object) -> bytes:
    return escaping.encode(value)


def names(text: str) -> frozenset[str]:
    """A set of words, written as one text."""
    return frozenset(text.split())


def compact(value: object) -> str:
    """JSON as a string, as `content` and `data` carry it."""
    return encode(value).decode()


def number(value: object) -> int:
    return value if is_number(value) else 0
