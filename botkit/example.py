"""Writes bots.toml as an example: every key with its default and what it means, taken from the settings themselves."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator
from inspect import get_annotations
from typing import Literal, get_args, get_origin

import msgspec
from pydantic import BaseModel, BeforeValidator, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from botkit.fields import duration_text, parse_duration, rate_text
from botkit.limits import Rate
from botkit.plugins import load_adapter, load_site, names
from botkit.settings import Settings

BOT = "main"
WIDTH = 116

_HEAD = """\
# botkit's configuration. Every key stands here with its default, commented out: uncomment what you change.
# "${NAME}" in any text is taken from the environment, "${NAME:-default}" with a default; "$${" is "${" itself.
# A variable such as BOTKIT_STORE__URL or BOTKIT_BOTS__MAIN__MODEL stands above the key it names.
# Durations: "90s", "15m", "12h", "30d". Check it with `botkit check`.
"""


def example(adapters: Collection[str] = ("slack",)) -> str:
    """The example, with these adapters and their sites switched on, the other installed ones commented out.

    Raises ConfigError for an adapter that is not installed.
    """
    sites = {load_adapter(name).site for name in adapters}
    lines = [_HEAD, *_table(Settings, "")]
    for name in names("adapters"):
        lines += _plugin(load_adapter(name).settings, f"bots.{BOT}.{name}", on=name in adapters)
    for name in names("sites"):
        lines += _plugin(load_site(name).settings, name, on=name in sites)
    return "\n".join(lines).rstrip() + "\n"


def _plugin(model: type[BaseModel], path: str, *, on: bool) -> Iterator[str]:
    """A plugin's table, then the tables inside it."""
    off, variable = "" if on else "#", path.removeprefix(f"bots.{BOT}.").replace(".", "_")
    inside: list[tuple[str, type[BaseModel], bool]] = []
    yield from _about(model.__doc__)
    yield f"{off}[{path}]"
    for key, field in model.model_fields.items():
        if kind := _section(field):
            inside.append((key, kind, on and field.default is not None))  # a table that need not be there stays off
            continue
        yield from _about(field.description, field)
        yield f"{off or _mark(field)}{key} = {_value(field, f'{variable}_{key}')}"
    yield ""
    for key, kind, also in inside:
        yield from _plugin(kind, f"{path}.{key}", on=also)


def _table(model: type[BaseModel], path: str) -> Iterator[str]:
    """A table's keys first, then the tables inside it, as TOML wants it."""
    inside: list[tuple[str, type[BaseModel]]] = []
    own = get_annotations(model)
    # A table's own keys stand before those it shares with [claude].
    for key, field in sorted(model.model_fields.items(), key=lambda item: item[0] not in own):
        kind = _section(field)
        if kind is not None:
            inside.append((key if key != "bots" else f"bots.{BOT}", kind))
            continue
        yield from _about(field.description, field)
        yield f"{_mark(field)}{key} = {_value(field, key)}"
    for key, kind in inside:
        full = f"{path}.{key}" if path else key
        yield ""
        yield from _about(kind.__doc__)
        yield f"[{full}]"
        yield from _table(kind, full)
    if not path:
        yield ""


def _section(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a table; that of `bots` is the model of each bot."""
    kinds = [field.annotation, *get_args(field.annotation)]
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _about(text: str | None, field: FieldInfo | None = None) -> Iterator[str]:
    words = " ".join((text or "").split())
    if field is not None and get_origin(field.annotation) is Literal:
        choices = ", ".join(_toml(choice) for choice in get_args(field.annotation))
        words = f"{words.rstrip('.')}. One of {choices}.".lstrip(". ")
    yield from textwrap.wrap(words, WIDTH, initial_indent="# ", subsequent_indent="# ")


def _mark(field: FieldInfo) -> str:
    # Secrets are never in the file, so they can all stand there: a variable that is not set leaves one empty.
    return "" if field.is_required() or _secret(field) else "#"


def _secret(field: FieldInfo) -> bool:
    return SecretStr in (field.annotation, *get_args(field.annotation))


def _value(field: FieldInfo, name: str) -> str:
    """What to write after the `=`: an example where the field has one, a variable for a secret, else the default."""
    if field.examples:
        return _toml(field.examples[0])
    if _secret(field):
        return f'"${{{name.upper()}}}"' if field.is_required() else f'"${{{name.upper()}:-}}"'
    default: object = field.get_default(call_default_factory=True)
    if default is PydanticUndefined:
        return f'"${{{name.upper()}}}"'
    if isinstance(default, Rate) or default is None:
        return _toml(rate_text(default))
    if isinstance(default, float) and _is_duration(field):
        return _toml(duration_text(default))
    return _toml(default)


def _is_duration(field: FieldInfo) -> bool:
    return any(isinstance(rule, BeforeValidator) and rule.func is parse_duration for rule in field.metadata)


def _toml(value: object) -> str:
    """A value as TOML writes it; for texts, numbers and lists that is how JSON does."""
    return "{}" if value == {} else msgspec.json.encode(value, enc_hook=str).decode().replace('","', '", "')
