"""One command of an operator: opens the store that a config names, and reads times as people write them."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from botkit.config import load
from botkit.errors import ConfigError
from botkit.fields import parse_duration
from botkit.issuing import Desk
from botkit.logs import configure
from botkit.stores import open_store

Result = TypeVar("Result")
ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.", envvar="BOTKIT_CONFIG")]
FILE = Path("bots.toml")


def at_desk(config: Path, work: Callable[[Desk], Awaitable[Result]]) -> Result:
    """Do something with the keys of a config's store. Raises ConfigError, StoreError."""
    loaded = load(config, os.environ)
    configure("warning", loaded.log.format, loaded.secrets)
    if loaded.store.url.startswith("memory:"):
        raise ConfigError("memory:// forgets keys when this command ends; use sqlite:// or redis://", key="store.url")

    async def at_work() -> Result:
        async with open_store(loaded.store.url, session_ttl=loaded.store.keep_sessions) as store:
            return await work(Desk(store, f"cli:{person()}"))

    try:
        return asyncio.run(at_work())
    except KeyboardInterrupt:
        sys.exit(130)


def person() -> str:
    """Who works here: the name of the user, or their number where they have none, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def key_id(text: str) -> str:
    """A key's id; of a token, or the beginning of one, the id in it."""
    return text.split("_")[1] if text.startswith("bk_") else text


def when(text: str, now: float, *, ahead: bool, key: str) -> float:
    """Unix seconds of "7d" (ago, or ahead), or of a date and time; without a zone, in UTC. Raises ConfigError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        away = seconds(text, key)
        return now + away if ahead else now - away
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def seconds(text: str, key: str) -> float:
    """A duration such as "24h"; "0" is none. Raises ConfigError."""
    try:
        found = parse_duration(text)
    except ValueError as problem:
        raise ConfigError(f"{problem}, or a date such as 2026-01-31", key=key) from None
    if not isinstance(found, int | float) or not 0 <= found < float("inf"):
        raise ConfigError("expected 0 or more", key=key)
    return float(found)
