"""`botkit keys …`: keys for programs, made on the machine where botkit's store is."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import astuple, fields, replace
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from botkit.audit import served
from botkit.config import load
from botkit.errors import ConfigError
from botkit.fields import duration_text
from botkit.issuing import Desk
from botkit.keys import ALL, ApiKey, KeyLimits, Scopes, Spent, networks
from botkit.operator import FILE, ConfigFile, at_desk, key_id, person, seconds, when
from botkit.sheets import moment
from botkit.tokens import Token, new_key, new_signing_secret

app = typer.Typer(no_args_is_help=True, help="API keys, with which programs use bots over HTTP.")

Result = TypeVar("Result")
Id = Annotated[str, typer.Argument(help="The key's id, or the beginning of its token.")]
Names = list[str] | None
PAGE = 500
"""Keys of one question to the store."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    config: ConfigFile = FILE,
    owner: Annotated[str, typer.Option(help="Who answers for it.")] = "",
    bot: Annotated[Names, typer.Option(help="May use this bot; without any, all that have a table for http.")] = None,
    model: Annotated[Names, typer.Option(help="May ask for this model; without any, all.")] = None,
    endpoint: Annotated[Names, typer.Option(help="May use chat, sessions or tools; without any, all.")] = None,
    project: Annotated[Names, typer.Option(help="May work in this project of a bot.")] = None,
    streaming: Annotated[bool, typer.Option(help="May have answers streamed.")] = True,
    bash: Annotated[bool, typer.Option(help="May run commands where the bot's launcher is a sandbox.")] = False,
    admin: Annotated[bool, typer.Option(help="Counts as an admin of its bots.")] = False,
    max_tokens: Annotated[int, typer.Option(min=0, help="Most output tokens of one request; 0: any.")] = 0,
    expires: Annotated[str, typer.Option(help='When it ends: "90d", or a date.')] = "",
    ip: Annotated[Names, typer.Option(help="May be used from this address or network.")] = None,
    signed: Annotated[bool, typer.Option(help="Requests must be signed, too.")] = False,
    requests_per_minute: Annotated[int, typer.Option(min=0, help="0: no limit.")] = 0,
    requests_per_day: Annotated[int, typer.Option(min=0, help="0: no limit.")] = 0,
    tokens_per_day: Annotated[int, typer.Option(min=0, help="0: no limit.")] = 0,
    usd_per_day: Annotated[float, typer.Option(min=0, help="0: no limit.")] = 0.0,
    usd_per_month: Annotated[float, typer.Option(min=0, help="0: no limit.")] = 0.0,
    concurrent_runs: Annotated[int, typer.Option(min=0, help="0: no limit.")] = 0,
    meta: Annotated[Names, typer.Option(help="Something to remember with it: team=42.")] = None,
) -> None:
    """Make a key. Its token is printed once, and nowhere kept."""
    now = time.time()
    key, token = new_key(name, owner or person(), now)
    scopes = Scopes(
        bots=tuple(bot or ALL),
        projects=tuple(project or ()),
        models=tuple(model or ALL),
        endpoints=tuple(endpoint or ALL),
        streaming=streaming,
        bash=bash,
        admin=admin,
        max_tokens=max_tokens,
    )
    limits = KeyLimits(
        requests_per_minute, requests_per_day, tokens_per_day, usd_per_day, usd_per_month, concurrent_runs
    )
    key = replace(
        key,
        scopes=scopes,
        limits=limits,
        expires=when(expires, now, ahead=True, key="--expires") if expires else 0.0,
        networks=_networks(ip),
        signing=new_signing_secret() if signed else "",
        metadata=dict(_pair(each) for each in meta or ()),
    )
    at_desk(config, lambda desk: desk.add(key))
    _show_token(key, token)
    if key.signing:
        typer.echo(f"signing secret (shown once): {key.signing}")
    _warn(bot or (), served(load(config, os.environ)))


@app.command("list")
def list_keys(config: ConfigFile = FILE, owner: Annotated[str, typer.Option(help="Only of this owner.")] = "") -> None:
    """All keys, oldest first."""

    async def all_keys(desk: Desk) -> list[ApiKey]:
        found: list[ApiKey] = []
        while page := await desk.store.keys.list(owner=owner, after=found[-1].id if found else "", most=PAGE):
            found += page
        return found

    now = time.time()
    for key in at_desk(config, all_keys):
        used = moment(key.last_used)[:10] if key.last_used else "never used"
        typer.echo(f"{key.id}  {key.status(now):9}  {used:10}  {key.owner}  {key.name}")


@app.command()
def show(id: Id, config: ConfigFile = FILE) -> None:
    """One key, without its secret."""
    key = _found(id, at_desk(config, lambda desk: desk.store.keys.get(key_id(id))))
    spent = at_desk(config, lambda desk: desk.store.meter.spent(key.id, time.time()))
    rows = {
        "id": key.id,
        "token": f"{key.prefix}…",
        "name": key.name,
        "owner": key.owner,
        "status": key.status(time.time()),
        "created": moment(key.created),
        "expires": moment(key.expires) if key.expires else "never",
        "last used": moment(key.last_used) if key.last_used else "never",
        "from": ", ".join(key.networks) or "anywhere",
        "signed": "must be" if key.signing else "need not be",
        "scopes": _fields(key.scopes),
        "limits": _fields(key.limits),
        "used now": _fields(spent),
        "metadata": ", ".join(f"{name}={value}" for name, value in key.metadata.items()),
    }
    for name, value in rows.items():
        typer.echo(f"{name + ':':11}{value}")


@app.command()
def suspend(id: Id, config: ConfigFile = FILE) -> None:
    """Take a key out of use, for now."""
    _suspend(id, config, suspended=True)


@app.command()
def activate(id: Id, config: ConfigFile = FILE) -> None:
    """Let a suspended key be used again."""
    _suspend(id, config, suspended=False)


@app.command()
def rotate(
    id: Id,
    config: ConfigFile = FILE,
    overlap: Annotated[str, typer.Option(help="How long the old token goes on: 1h, 7d, 0.")] = "24h",
) -> None:
    """Give a key a new token, printed once."""
    left = seconds(overlap, "--overlap")
    turned = at_desk(config, lambda desk: desk.rotate(key_id(id), left))
    key, token = _found(id, turned)
    _show_token(key, token)
    typer.echo(f"the old token goes on for {duration_text(left)}" if left else "the old token is of no use")


@app.command()
def delete(
    id: Id, config: ConfigFile = FILE, yes: Annotated[bool, typer.Option("--yes", help="Without asking.")] = False
) -> None:
    """Remove a key for good; what it used stays on record."""
    if not yes and not typer.confirm(f"Delete the key {key_id(id)}?"):
        raise typer.Exit(1)
    deleted = at_desk(config, lambda desk: desk.delete(key_id(id)))
    _found(id, deleted or None)
    typer.echo(f"{key_id(id)} is deleted")


def _warn(named: Sequence[str], reached: set[str]) -> None:
    """The config may be changed later, so that a key of no use yet is no error."""
    if not reached:
        typer.echo("warning: no bot is open to programs yet; `botkit init http` says what to add", err=True)
        return
    for name in named:
        if name not in reached:
            there = ", ".join(sorted(reached))
            typer.echo(f"warning: there is no bot {name!r} that programs can reach (there are: {there})", err=True)


def _suspend(id: str, config: Path, *, suspended: bool) -> None:
    what = "key.suspend" if suspended else "key.activate"
    changed = at_desk(config, lambda desk: desk.change(key_id(id), lambda key: replace(key, suspended=suspended), what))
    key = _found(id, changed)
    typer.echo(f"{key.id} is {key.status(time.time())}")


def _show_token(key: ApiKey, token: Token) -> None:
    typer.echo(f"key {key.id} ({key.name}); its token is shown once, and nowhere kept:")
    typer.echo(token.text)


def _found(id: str, found: Result | None) -> Result:
    if found is None:
        raise ConfigError(f"there is no key {key_id(id)}; `botkit keys list` shows all")
    return found


def _fields(value: Scopes | KeyLimits | Spent) -> str:
    """What is not as usual: of limits and use, what is not 0."""
    names = [field.name for field in fields(value)]
    found = {
        name: each
        for name, each in zip(names, astuple(value), strict=True)
        if each or (isinstance(value, Scopes) and name in ("bots", "models", "endpoints"))
    }
    return ", ".join(f"{name}={json.dumps(each)}" for name, each in found.items()) or "none"


def _networks(texts: Names) -> tuple[str, ...]:
    try:
        return networks(texts or ())
    except ValueError as problem:
        raise ConfigError(str(problem), key="--ip") from None


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ConfigError(f"expected NAME=VALUE, found {text!r}", key="--meta")
    return name, value
