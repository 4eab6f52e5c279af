"""Finds the values nobody may see: tokens and passwords, wherever the configuration got them from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeGuard
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr

from botkit.fields import secret_name

CLAUDE_SECRETS = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_FOUNDRY_API_KEY",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
)
"""Variables that Claude is given and nobody is shown."""


def held(model: BaseModel, path: str) -> Iterator[tuple[str, str]]:
    """Every secret of a settings model with its dotted key: what is typed as one, and what is named like one."""
    for name, value in model:
        key = f"{path}.{name}" if path else name
        match value:
            case SecretStr():
                yield key, value.get_secret_value()
            case str() if secret_name(name):
                yield key, value
            case str() if "://" in value:
                yield from ((key, password) for password in passwords(value))
            case BaseModel():
                yield from held(value, key)
            case _ if _table(value):
                yield from _of_table(value, key)
            case _:
                pass


def _table(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, Mapping)


def _of_table(table: Mapping[str, object], path: str) -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, BaseModel):
            yield from held(value, f"{path}.{name}")
        elif isinstance(value, str) and secret_name(name):
            yield f"{path}.{name}", value


def passwords(url: str) -> Iterator[str]:
    """The password of a URL, as it is written and as it is meant."""
    try:
        password = urlsplit(url).password
    except ValueError:
        return
    if password:
        yield password
        if unquote(password) != password:
            yield unquote(password)


def of_environment(environ: Mapping[str, str], passed: Iterable[str]) -> Iterator[str]:
    """Secrets that Claude gets from botkit's own environment."""
    for name in (*CLAUDE_SECRETS, *(name for name in passed if secret_name(name))):
        if environ.get(name):
            yield environ[name]
