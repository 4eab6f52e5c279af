"""A call's arguments, read as strictly as Slack does: from a form, a query or JSON, each with its type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from aiohttp import web

from adapters.slack.testing.wire import Json, Refusal, decode, is_mapping, is_sequence, mappings

_YES = ("true", "1")
_NO = ("false", "0", "")


async def read_arguments(request: web.Request) -> tuple[Json, bool]:
    """The arguments and whether they came as JSON. Raises Refusal for bodies Slack cannot read."""
    values: Json = dict(request.query)
    if request.content_type == "application/json":
        raw = await request.read()
        try:
            body = decode(raw or b"{}")
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Refusal("invalid_json") from None
        if not is_mapping(body):
            raise Refusal("json_not_object")
        return values | body, True
    if request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        form = await request.post()
        return values | {name: value for name, value in form.items() if isinstance(value, str)}, False
    if request.can_read_body and await request.read():
        raise Refusal("invalid_post_type")
    return values, False


@dataclass(frozen=True, slots=True)
class Arguments:
    """Typed access; `complain` is told about types that only a sloppy client sends."""

    values: Json
    complain: Callable[[str], None]

    def has(self, name: str) -> bool:
        return self.values.get(name) is not None

    def text(self, name: str, *, required: str = "") -> str:
        """'' when absent; `required` is the error code for that."""
        value = self.values.get(name)
        if value is None or value == "":
            if required:
                raise Refusal(required, f"[ERROR] missing required field: {name}")
            return ""
        if not isinstance(value, str):
            raise self._mistyped(name, "string")
        return value

    def flag(self, name: str) -> bool:
        value = self.values.get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        if isinstance(value, str) and value.lower() in _YES + _NO:
            return value.lower() in _YES
        raise self._mistyped(name, "boolean")

    def number(self, name: str, default: int) -> int:
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lstrip("-").isdigit():
            return int(value)
        raise self._mistyped(name, "integer")

    def objects(self, name: str, error: str) -> list[Json] | None:
        """A JSON array of objects, itself or as text; None when absent."""
        value = self._parsed(name, error)
        if value is None:
            return None
        if not is_sequence(value) or len(mappings(value)) != len(value):
            raise Refusal(error)
        return mappings(value)

    def table(self, name: str, error: str) -> Json | None:
        """A JSON object, itself or as text; None when absent."""
        value = self._parsed(name, error)
        if value is None or is_mapping(value):
            return value
        raise Refusal(error)

    def _parsed(self, name: str, error: str) -> object:
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return decode(value)
        except msgspec.DecodeError:
            raise Refusal(error) from None

    def _mistyped(self, name: str, expected: str) -> Refusal:
        found = type(self.values[name]).__name__
        self.complain(f"argument {name!r} is {found}, not {expected}")
        return Refusal("invalid_arguments", f"[ERROR] must be a {expected} [json-pointer:/{name}]")
