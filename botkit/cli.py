"""The command `botkit`: run, check, doctor, chat, init, reload, keys, usage."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from botkit import lean as lean  # before anything that imports structlog

# isort: split
from botkit import fields
from botkit.audit import warnings
from botkit.config import Config, default_chat_config, load
from botkit.errors import BotkitError, ConfigError
from botkit.example import example
from botkit.key_commands import app as keys
from botkit.logs import configure
from botkit.usage_command import usage

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Puts the real Claude Code CLI behind the places where your team talks.",
)

ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.", envvar="BOTKIT_CONFIG")]
Result = TypeVar("Result")
WRONG_CONFIG = 2
"""Exit code when the config is wrong."""


def main() -> None:
    """The entry point: errors that botkit raises on purpose are printed as one line, without a traceback."""
    try:
        app()
    except ConfigError as problem:
        _say(str(problem), error=True)
        sys.exit(WRONG_CONFIG)
    except BotkitError as problem:
        _say(str(problem), error=True)
        sys.exit(1)


def _version(wanted: bool) -> None:
    if wanted:
        _say(f"botkit {version('botkit')}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say it and exit.")] = False,
) -> None:
    """What may stand before a command; without a docstring of its own in the help, which is the program's."""


@app.command()
def run(config: ConfigFile = Path("bots.toml")) -> None:
    """Connect all bots and answer until told to stop (SIGTERM; SIGHUP reads the config again)."""
    from botkit.application import serve

    loaded = load(config, os.environ)
    configure(loaded.log.level, loaded.log.format, loaded.secrets)
    _with_workdirs(loaded)
    for warning in warnings(loaded):
        _say(f"warning: {warning}", error=True)
    _run(serve(loaded, os.environ, again=lambda: _with_workdirs(load(config, os.environ)), pid=_pid_file(config)))


@app.command()
def check(config: ConfigFile = Path("bots.toml")) -> None:
    """Validate the config without connecting to anything; exits 2 when it is wrong."""
    from botkit.assemble import middleware_of, routes_of

    loaded = load(config, os.environ)
    for bot in loaded.bots.values():
        routes_of(bot)
        middleware_of(bot)
    for warning in warnings(loaded):
        _say(f"warning: {warning}")
    _say(f"{config} is valid: {len(loaded.bots)} bot{'s' * (len(loaded.bots) != 1)} ({', '.join(sorted(loaded.bots))})")


@app.command()
def doctor(
    config: ConfigFile = Path("bots.toml"),
    backup: Annotated[Path | None, typer.Option(help="Also copy the SQLite store to this file.")] = None,
) -> None:
    """Check the config, then try the CLI, the store and each platform's login; lists what was given up."""
    from botkit.doctor import examine

    loaded = load(config, os.environ)
    configure("warning", loaded.log.format, loaded.secrets)
    findings = _run(examine(loaded, os.environ, backup))
    for finding in findings:
        _say(f"{finding.sign} {finding.what}: {finding.text}")
    if any(finding.failed for finding in findings):
        raise typer.Exit(1)


@app.command()
def chat(
    prompts: Annotated[list[str] | None, typer.Argument(help="Ask this and leave; `-` reads lines from stdin.")] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Use a bot of this file.")] = None,
    bot: Annotated[str, typer.Option(help="Which bot of the file.")] = "",
) -> None:
    """Talk to Claude in the terminal. Without a terminal: a scripted conversation; exits 0 only if it was answered."""
    from botkit.chat import talk

    loaded: Config | None = _with_workdirs(load(config, os.environ)) if config else None
    if not _run(talk(loaded, bot, prompts or [], os.environ)):
        raise typer.Exit(1)


@app.command()
def init(
    what: Annotated[str, typer.Argument(help="`config`, or an adapter's name for its set-up: `slack`.")] = "config",
    switched_on: Annotated[
        list[str] | None, typer.Option("--with", help="Switch this adapter on in the file; without any, slack.")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="List the commands of this file's bot.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write it.")] = None,
    public_url: Annotated[
        str, typer.Option(help="Where the platform reaches botkit over HTTP; else the file's `http.public_url`.")
    ] = "",
) -> None:
    """Write a commented bots.toml, or say how to set up a platform."""
    text = example(switched_on or ("slack",)) if what == "config" else _setup(what, config, public_url)
    target = output or (Path("bots.toml") if what == "config" else None)
    if target is None:
        _say(text)
    elif target.exists():
        raise ConfigError("there is such a file already; name another one with --output", file=str(target))
    else:
        target.write_text(text, encoding="utf-8")
        _say(f"{target} is written. Edit it, then: botkit check -c {target}")


@app.command()
def reload(config: ConfigFile = Path("bots.toml")) -> None:
    """Let the running botkit read its config again, without dropping a turn."""
    from botkit.application import noted

    load(config, os.environ)
    pid = noted(_pid_file(config))
    if pid is None:
        raise ConfigError("no botkit runs with this config", file=str(config))
    os.kill(pid, signal.SIGHUP)
    _say(f"botkit ({pid}) reads {config} again; its log says what changed")


app.command()(usage)
app.add_typer(keys, name="keys")


def _setup(adapter: str, file: Path | None, public_url: str) -> str:
    """How to set a platform up for the file's first bot that is on it; without a file for a bot like any other."""
    from botkit.assemble import routes_of
    from botkit.plugins import Setup, load_adapter, setup_of

    load_adapter(adapter)  # an unknown name is worth saying before anything in the file is
    given = _checked(public_url)
    config = load(file, os.environ) if file else default_chat_config(Path.cwd(), os.environ)
    bots = config.bots.values()
    bot = next((bot for bot in bots if adapter in bot.adapters), next(iter(bots)))
    url, name = given or config.http.public_url, bot.name if file else "BOT"
    settings = None if given else bot.adapters.get(adapter)  # an address that is asked for is what counts
    return setup_of(adapter, Setup(routes_of(bot).listed, f"{url}/{name}" if url else "", settings))


def _checked(url: str) -> str:
    try:
        return fields.public_url(url)
    except ValueError as problem:
        raise ConfigError(f"{problem}; found {url!r}", key="--public-url") from None


def _with_workdirs(config: Config) -> Config:
    """Makes the folders that Claude is to work in: it cannot start where there is none."""
    for bot in config.bots.values():
        workdir = bot.profile.workdir
        if workdir.is_dir():
            continue
        try:
            workdir.mkdir()
        except OSError as problem:
            raise ConfigError(
                f"{workdir} is no folder and cannot be made: {problem.strerror}",
                file=str(config.file),
                key=f"bots.{bot.name}.workdir",
            ) from problem
        _say(f"{workdir} is made: the workdir of {bot.name}", error=True)
    return config


def _pid_file(config: Path) -> Path:
    return config.absolute().with_name(f".{config.name}.pid")


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        sys.exit(130)


def _say(text: str, *, error: bool = False) -> None:
    typer.echo(text, err=error)
