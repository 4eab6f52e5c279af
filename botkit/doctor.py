"""Tries everything a config needs: the CLI, the store, each platform's login. Says what works and what to do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shlex import join
from typing import Literal

from botkit.assemble import adapters_of
from botkit.audit import warnings
from botkit.claude.credentials import logged_in
from botkit.claude.environment import environment
from botkit.claude.install import check_version, find_command, refuse_inside
from botkit.config import BotConfig, Config
from botkit.errors import BotkitError
from botkit.protocols import Doctor
from botkit.stores import open_store


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    what: str
    text: str
    state: Literal["fine", "warning", "failed"] = "fine"

    @property
    def sign(self) -> str:
        return {"fine": "✓", "warning": "!", "failed": "✗"}[self.state]

    @property
    def failed(self) -> bool:
        return self.state == "failed"


async def examine(config: Config, environ: Mapping[str, str], backup: Path | None = None) -> list[Finding]:
    """All findings, in the order in which things depend on each other."""
    findings = [Finding("config", warning, "warning") for warning in warnings(config)]
    findings.append(_packages())
    findings += [finding async for finding in _claude(config, environ)]
    findings += [finding async for finding in _store(config, backup)]
    for bot in config.bots.values():
        findings += [finding async for finding in _adapters(bot)]
    return findings


def _packages() -> Finding:
    """`adapters` is also the name of an unrelated distribution, which would take our place."""
    spec = find_spec("adapters")
    ours, found = Path(__file__).resolve().parents[1], Path(str(spec and spec.origin)).resolve().parents[1]
    if ours != found:
        return Finding("packages", f"`adapters` is another package ({found}): give botkit a venv of its own", "failed")
    return Finding("packages", "botkit's own")


async def _claude(config: Config, environ: Mapping[str, str]) -> AsyncIterator[Finding]:
    try:
        refuse_inside(environ)
        for bot in config.bots.values():
            version = await check_version(bot.profile, environ)
            command = find_command(bot.profile, environ)
            yield Finding(f"claude for {bot.name}", f"{version} at {command[0]}")
            if not await logged_in((*bot.profile.launcher, *command), environment(bot.profile, environ, "")):
                yield Finding(
                    f"claude for {bot.name}",
                    "has no credentials: set ANTHROPIC_API_KEY, or log in as this user: "
                    f"{join((*bot.profile.launcher, *command))} auth login",
                    "failed",
                )
    except BotkitError as problem:
        yield Finding("claude", str(problem), "failed")


async def _store(config: Config, backup: Path | None) -> AsyncIterator[Finding]:
    try:
        async with open_store(config.store.url) as store:
            yield Finding("store", await store.check())
            for entry, why in await store.dead():
                where = f"{entry.conversation}, message {entry.message.id}"
                yield Finding("given up", f"turn {entry.id} ({where}): {why}", "warning")
            if backup is not None:
                yield await _back_up(store, backup)
    except BotkitError as problem:
        yield Finding("store", str(problem), "failed")


async def _back_up(store: object, backup: Path) -> Finding:
    from botkit.stores.sqlite import SqliteStore

    if not isinstance(store, SqliteStore):
        return Finding("backup", "only a SQLite store is backed up here; use the server's own means", "failed")
    await store.backup(backup)
    return Finding("backup", f"written to {backup}")


async def _adapters(bot: BotConfig) -> AsyncIterator[Finding]:
    for adapter in adapters_of(bot):
        if not isinstance(adapter, Doctor):
            continue
        what = f"{adapter.name} for {bot.name}"
        try:
            yield Finding(what, await adapter.check())
        except BotkitError as problem:
            yield Finding(what, str(problem), "failed")
