"""Puts the environment's values where a configuration says `${NAME}` or `${NAME:-default}`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import TypeAlias

from botkit.fields import secret_name
from botkit.problems import Key, Problem, dotted

Toml: TypeAlias = "str | int | float | date | time | list[Toml] | dict[str, Toml]"
"""Whatever a TOML file can hold."""

_VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{[^}]*\}?")


@dataclass(slots=True)
class Expanded:
    """A tree with its variables replaced, and what was learnt on the way."""

    tree: dict[str, Toml]
    problems: list[Problem] = field(default_factory=list[Problem])
    secrets: set[str] = field(default_factory=set[str])
    """Values of variables that are named like secrets."""
    plain: set[str] = field(default_factory=set[str])
    """Keys of the strings that name no variable."""


def expand(tree: dict[str, Toml], environ: Mapping[str, str]) -> Expanded:
    """Replace every `${NAME}`; `$${` stands for `${` itself. A value put in is never looked at again."""
    found = Expanded({})
    found.tree = {key: _value(value, (key,), environ, found) for key, value in tree.items()}
    return found


def merge(below: dict[str, Toml], above: dict[str, Toml]) -> dict[str, Toml]:
    """Both trees; where both have a value, the one above."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def leaves(tree: dict[str, Toml], path: Key = ()) -> list[tuple[str, Toml]]:
    """Every value of a tree that is not a table, with its dotted key."""
    found: list[tuple[str, Toml]] = []
    for key, value in tree.items():
        inner = (*path, key)
        found += leaves(value, inner) if isinstance(value, dict) else [(dotted(inner), value)]
    return found


def _value(value: Toml, path: Key, environ: Mapping[str, str], found: Expanded) -> Toml:
    match value:
        case str():
            return _text(value, path, environ, found)
        case dict():
            return {key: _value(inner, (*path, key), environ, found) for key, inner in value.items()}
        case list():
            return [_value(inner, (*path, number), environ, found) for number, inner in enumerate(value)]
        case _:
            return value


def _text(text: str, path: Key, environ: Mapping[str, str], found: Expanded) -> str:
    variables = False

    def put(match: re.Match[str]) -> str:
        nonlocal variables
        if match[0] == "$${":
            return "${"
        variables = True
        name, default = match[1], match[2]
        if name is None:
            found.problems.append(Problem(dotted(path), 'expected "${NAME}" or "${NAME:-default}"', repr(match[0])))
            return ""
        value = environ.get(name) or default
        if value is None:
            found.problems.append(Problem(dotted(path), f"expected the environment variable {name}", "it is not set"))
            return ""
        if secret_name(name):
            found.secrets.add(value)
        return value

    expanded = _VARIABLE.sub(put, text)
    if not variables:
        found.plain.add(dotted(path))
    return expanded
