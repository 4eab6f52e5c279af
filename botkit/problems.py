"""What is wrong with a configuration, said so that a person can mend it: the key, what was expected, what was found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from botkit.errors import ConfigError
from botkit.fields import secret_name

Key = tuple[str | int, ...]

_PASSWORD = re.compile(r"://[^/\s]*@")
MAX_FOUND = 60
"""Characters of a wrong value that are shown."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `key` is its dotted path."""

    key: str
    expected: str
    found: str = ""

    def __str__(self) -> str:
        return ": ".join(part for part in (self.key, self.expected) if part) + (f"; {self.found}" if self.found else "")


class ConfigProblems(ConfigError):
    """Everything that is wrong with a file at once; `str` gives one line for each."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(problems[0].expected, file=file, key=problems[0].key)
        self.args = ("\n".join(f"{file}: {problem}" if file else str(problem) for problem in problems),)


def dotted(path: Key) -> str:
    """A path as a person writes it: `bots.main.access.allow_users[0]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def explain(error: ValidationError, model: type[BaseModel], prefix: Key = ()) -> list[Problem]:
    """pydantic's complaints about `model` in our own words."""
    return [_problem(detail, model, prefix) for detail in error.errors(include_url=False)]


def nearest(name: str, known: Iterable[str]) -> str:
    """What to do about an unknown name: the one that was probably meant, or all there are."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names) or 'none'}"


def _problem(detail: ErrorDetails, model: type[BaseModel], prefix: Key) -> Problem:
    # pydantic marks an error in a table's key itself with a last part "[key]".
    path = tuple(part for part in detail["loc"] if part != "[key]")
    key = dotted(prefix + path)
    match detail["type"]:
        case "extra_forbidden":
            return Problem(key, "unknown key", nearest(str(path[-1]), _keys(_model_at(model, path[:-1]))))
        case "missing":
            return Problem(key, "expected a value", "found nothing")
        case "value_error":
            expected = detail["msg"].removeprefix("Value error, ")
        case "path_type":
            expected = "expected a path"
        case _:
            expected = re.sub(r"^(Input|String) should be", "expected", detail["msg"])
            expected = re.sub(r", (unable to|got an) .*", "", expected)
            expected = re.sub(r"a valid dictionary( or instance of \w+)?$", "a table", expected)
            expected = re.sub(r"a valid (tuple|list)$", "a list", expected)
    hidden = any(isinstance(part, str) and secret_name(part) for part in path) or _secret(model, path)
    return Problem(key, expected, _found(detail["input"], hidden=hidden))


def _found(value: object, *, hidden: bool) -> str:
    if isinstance(value, dict):
        # A whole table may hold a secret under any of its keys.
        return ""
    if hidden:
        return "found something else (not shown, it is a secret)"
    text = _PASSWORD.sub("://…@", repr(value))
    return f"found {text if len(text) <= MAX_FOUND else text[:MAX_FOUND] + '…'}"


def _secret(model: type[BaseModel], path: Key) -> bool:
    inside = _model_at(model, path[:-1])
    field = inside.model_fields.get(str(path[-1])) if inside and path else None
    return field is not None and (field.annotation is SecretStr or SecretStr in get_args(field.annotation))


def _model_at(model: type[BaseModel], path: Key) -> type[BaseModel] | None:
    """The model of the table at `path`."""
    kind: object = model
    for part in path:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            field = kind.model_fields.get(str(part))
            kind = field.annotation if field else None
        elif get_origin(kind) is dict:
            kind = get_args(kind)[1]
        else:
            return None
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _keys(model: type[BaseModel] | None) -> list[str]:
    return list(model.model_fields) if model else []
