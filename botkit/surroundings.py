"""Where and how a session's worker runs, for what is done beside it without a turn. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a worker of the session is started with."""

    workdir: Path
    launcher: tuple[str, ...]
    """The sandbox or container its CLI runs in; () is none."""
    environment: Mapping[str, str]
    """What it and its tools see, without the CLI's credentials. Whoever is started with it is ended should botkit be
    killed."""
    marker: str
    """The value by which a process that was started with this environment, and all below it, are found."""
    mode: str
    """The permission mode."""
    tools: tuple[str, ...] | None
    """The only built-in tools there are; None: all."""
    allowed: tuple[str, ...]
    """Rules of what is never asked about."""
    disallowed: tuple[str, ...]
    """Rules of what is never done."""
    agents: str
    """The bot's own agents, JSON of the shape `--agents` takes; '' is none."""
    slash_commands: bool
    """Text may be a command of the CLI."""


@dataclass(frozen=True, slots=True)
class CliCommand:
    """A command of the CLI; it is run as `/name`."""

    name: str
    about: str = ""
    usage: str = ""
    """What follows the name: "<file>"."""
