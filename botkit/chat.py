"""`botkit chat`: one bot in the terminal, with the rehearsal model where Claude has no credentials."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from shlex import join
from typing import Protocol, runtime_checkable

from botkit.access import Access
from botkit.application import Application
from botkit.claude.credentials import logged_in
from botkit.claude.environment import environment
from botkit.claude.install import find_command, refuse_inside
from botkit.config import BotConfig, Config, default_chat_config
from botkit.errors import ConfigError
from botkit.logs import configure
from botkit.plugins import load_adapter
from botkit.rehearsal import Rehearsal

ADAPTER = "console"
SCRIPT = ("Hello! What can you do?", "code", "tool", "long", "What did I ask you first?")
"""What is said where nobody can type."""
READ_STDIN = "-"

WELCOME = """\
botkit {version}. Claude Code works in {workdir}
Type a message. /help lists the commands; Ctrl-C stops an answer, Ctrl-D leaves.
"""
REHEARSING = """\
Claude Code has no credentials here, so the rehearsal model answers: a script
on this machine, not Claude. For the real one set ANTHROPIC_API_KEY, or log in
as below, and start again:
  {login}
"""


@runtime_checkable
class Terminal(Protocol):
    """What the chat needs of its adapter besides the usual."""

    @property
    def answered(self) -> bool: ...

    async def closed(self) -> None: ...


async def talk(config: Config | None, bot: str, prompts: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Talk until the person leaves; False when a scripted or piped conversation was not answered in full."""
    refuse_inside(environ)
    config = config or default_chat_config(Path.cwd(), environ)
    chosen = _choose(config, bot)
    live = sys.stdin.isatty() and sys.stdout.isatty() and not prompts
    script = () if live or list(prompts) == [READ_STDIN] else (tuple(prompts) or SCRIPT)
    configure("error", config.log.format, config.secrets)
    if live:
        _print(WELCOME.format(version=version("botkit"), workdir=chosen.profile.workdir))
    async with AsyncExitStack() as stack:
        chosen = await _with_model(chosen, environ, stack)
        config = replace(config, bots={chosen.name: _in_terminal(chosen, script)})
        application = await stack.enter_async_context(Application(config, environ, serving=False))
        terminal = application.bots[chosen.name].adapters[ADAPTER]
        if not isinstance(terminal, Terminal):
            raise ConfigError(f"the adapter {ADAPTER!r} is not a terminal")
        await terminal.closed()
        return live or terminal.answered


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _choose(config: Config, bot: str) -> BotConfig:
    if bot and bot not in config.bots:
        raise ConfigError(f"there is no such bot (there are: {', '.join(sorted(config.bots))})", key=f"bots.{bot}")
    return config.bots[bot or next(iter(config.bots))]


def _in_terminal(bot: BotConfig, script: Sequence[str]) -> BotConfig:
    """The bot with the terminal as its only adapter, and whoever sits there as its only user."""
    settings = load_adapter(ADAPTER).settings.model_validate({"script": tuple(script)})
    known = bot.adapters.get(ADAPTER)
    if known is not None:
        settings = known.model_copy(update={"script": tuple(script)})
    return replace(bot, adapters={ADAPTER: settings}, access=Access(admins=frozenset({"console"})))


async def _with_model(bot: BotConfig, environ: Mapping[str, str], stack: AsyncExitStack) -> BotConfig:
    """The bot as configured, if Claude is logged in; otherwise talking to the rehearsal model, and saying so."""
    command = (*bot.profile.launcher, *find_command(bot.profile, environ))
    if await logged_in(command, environment(bot.profile, environ, "")):
        return bot
    _print(REHEARSING.format(login=join((*command, "auth", "login"))))
    rehearsal = await stack.enter_async_context(Rehearsal(0.0 if not sys.stdout.isatty() else 40.0))
    home = Path(environ.get("XDG_STATE_HOME") or Path(environ.get("HOME") or Path.home()) / ".local" / "state")
    home = home / "botkit" / "rehearsal"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    surroundings = {**bot.profile.environment, **rehearsal.environment(home)}
    return replace(bot, profile=replace(bot.profile, environment=surroundings))
