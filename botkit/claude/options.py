"""What a worker is started with: a bot's profile, the limits of the pool, and the argv and environment they become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from botkit.model import PermissionMode


@dataclass(frozen=True, slots=True)
class Profile:
    """How one bot runs Claude. Workers of one profile can replace each other before a session begins."""

    workdir: Path
    command: tuple[str, ...] = ()
    """The CLI; empty: a `claude` on PATH, else the one bundled with `botkit[claude]`."""
    launcher: tuple[str, ...] = ()
    """A command prefix such as a sandbox or a container; with one, workers are not frozen."""
    model: str = ""
    fallback_model: str = ""
    permission_mode: PermissionMode = "default"
    allowed_tools: tuple[str, ...] = ()
    disallowed_tools: tuple[str, ...] = ()
    append_system_prompt: str = ""
    agents: str = ""
    """JSON, as `--agents` takes it."""
    mcp_config: tuple[str, ...] = ()
    settings: str = ""
    """A file or JSON, as `--settings` takes it."""
    add_dirs: tuple[Path, ...] = ()
    effort: str = ""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """Set for the worker, over whatever is passed on."""
    pass_environment: tuple[str, ...] = ()
    """Names of variables passed on besides the built-in list."""
    prompt_caching: bool = True
    turn_budget: float = 0.0
    """US dollars one turn may cost; 0: no limit."""
    trust_workdir: bool = False
    """Load the workdir's own settings, hooks and CLAUDE.md commands (`--setting-sources`)."""
    slash_commands: bool = False
    """Chat text that begins with `/` may be a command of the CLI."""


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """Seconds, except `line`."""

    turn: float = 1800.0
    """Longest turn, waiting for people not counted."""
    silence: float = 300.0
    """Longest time without a line from the CLI while no tool runs and nobody is asked."""
    tool: float = 3600.0
    """Longest time without a line while a tool runs."""
    stop: float = 5.0
    """After a stop request, before signals are used."""
    line: int = 64 * 1024 * 1024
    """Longest line of the CLI in bytes; a longer one fails the turn."""


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """The ceiling and the clocks of the pool. Seconds and megabytes."""

    max_workers: int = 8
    memory: int = 0
    """Resident megabytes of all workers together; 0: half of the machine's memory."""
    spares: int = 1
    """Workers started ahead of need, for each profile."""
    freeze_after: float = 30.0
    """Idle time before SIGSTOP; 0: never freeze."""
    park_after: float = 3600.0
    """Idle time before the process is closed."""
