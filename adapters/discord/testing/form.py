"""Discord's "Invalid Form Body": every complaint about a request, at its place in a tree of errors."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from adapters.discord.testing.wire import Json, Refusal, is_mapping, is_number, is_sequence


@dataclass(slots=True)
class Form:
    """Collects complaints; `check` refuses with all of them. Texts are counted in code points, as Discord's Python is.

    https://github.com/discord/discord-api-docs/issues/1315: "our API uses Python 3, so the API calculates length
    based on the number of codepoints in the string".
    """

    prefix: tuple[str | int, ...] = ()
    errors: Json = field(default_factory=dict[str, object])

    def complain(self, at: tuple[str | int, ...], code: str, message: str) -> None:
        node = self.errors
        for step in (*self.prefix, *at):
            inner = node.setdefault(str(step), {})
            node = inner if is_mapping(inner) else {}
        found = node.setdefault("_errors", [])
        if is_sequence(found):
            found.append({"code": code, "message": message})

    def check(self) -> None:
        """Raises Refusal 50035 if there was anything to complain about."""
        if self.errors:
            raise Refusal(50035, errors=self.errors)

    def text(self, value: object, at: tuple[str | int, ...], most: int, *, least: int = 0) -> str:
        """A string within its length; '' after complaining."""
        if value is None and not least:
            return ""
        if value is None:
            self.complain(at, "BASE_TYPE_REQUIRED", "This field is required")
        elif not isinstance(value, str):
            self.complain(at, "STRING_TYPE_CONVERT", "Could not interpret value as string.")
        elif least and not least <= len(value) <= most:
            self.complain(at, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")
        elif len(value) > most:
            self.complain(at, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
        else:
            return value
        return ""

    def items(self, value: object, at: tuple[str | int, ...], most: int, *, least: int = 0) -> list[Json]:
        """A list of objects within its length; what is no object is complained about and left out."""
        if value is None and not least:
            return []
        if not is_sequence(value):
            self.complain(at, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return []
        if least and not least <= len(value) <= most:
            self.complain(at, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")
        elif len(value) > most:
            self.complain(at, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
        found: list[Json] = []
        for index, item in enumerate(value):
            if is_mapping(item):
                found.append(item)
            else:
                self.complain((*at, index), "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        return found

    def choice(self, value: object, at: tuple[str | int, ...], allowed: Collection[int]) -> int:
        if is_number(value) and value in allowed:
            return value
        listed = ", ".join(str(one) for one in sorted(allowed))
        self.complain(at, "BASE_TYPE_CHOICES", f"Value must be one of {{{listed}}}.")
        return 0

    def snowflake(self, value: object, at: tuple[str | int, ...]) -> str:
        if (isinstance(value, str) and value.isdigit()) or is_number(value):
            return str(value)
        self.complain(at, "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')
        return ""
