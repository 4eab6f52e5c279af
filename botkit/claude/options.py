"""What a worker is started with: a bot's profile, the limits of the pool, and the argv and environment they become."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from botkit.claude import toolserver
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
    max_upload: int = 30 * 1024 * 1024
    """Bytes; largest file that Claude may send."""
    tools: tuple[str, ...] | None = None
    """The only built-in tools there are; None: all."""
    schema: str = ""
    """JSON schema of every answer, as JSON."""
    rerender: bool = False
    """Give the model this system prompt, and not the one that the CLI recorded when the session began."""
    stateless: bool = False
    """For one turn: nothing is written down, nothing is remembered, and a briefing says the rest just before it."""
    agent: str = ""
    """The agent that answers."""
    base: Profile | None = field(default=None, compare=False, repr=False)
    """The bot's profile, of one that a session or a turn has made its own."""

    def made_by(self, served: Collection[Profile]) -> bool:
        """Whether a served bot would make this again, perhaps with what is a session's own; or nobody is served."""
        return not served or any(
            bot in (self, self.base)
            or bot == replace(self, workdir=bot.workdir, model=bot.model, permission_mode=bot.permission_mode)
            for bot in served
        )


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """Seconds, except `line`."""

    turn: float = 1800.0
    """Longest turn, waiting for people not counted."""
    silence: float = 300.0
    """Longest time without a line from the CLI while no tool runs and nobody is asked."""
    tool: float = 3600.0
    """Longest time without a line while a tool runs."""
    start: float = 20.0
    """Longest time until the CLI takes a question up; past it, the question is tried once in a new process."""
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


def arguments(
    profile: Profile, session: str, *, resume: bool, rules: tuple[str, ...] = (), copied: str = ""
) -> tuple[str, ...]:
    """The flags of a worker that begins or resumes `session`, or begins it as a copy of the session `copied`.

    Values stand behind a `=`, so none becomes a flag.
    """
    return (
        *_PERSISTENT,
        *((f"--resume={copied}", "--fork-session") if copied else ()),
        f"--resume={session}" if resume else f"--session-id={session}",
        # Without this the workdir decides which hooks run and which tools never ask.
        *(("--setting-sources=user,project,local",) if profile.trust_workdir else _UNTRUSTED),
        f"--permission-mode={profile.permission_mode}",
        *_flag("--model", profile.model),
        *_flag("--fallback-model", profile.fallback_model),
        # Of a stateless worker the briefing says it, together with what its one turn adds.
        *(_STATELESS if profile.stateless else _flag("--append-system-prompt", profile.append_system_prompt)),
        *((f"{RERENDER}=off",) if profile.rerender else ()),
        *_flag("--json-schema", profile.schema),
        *(() if profile.tools is None else (f"--tools={','.join(profile.tools)}",)),
        *_flag("--agents", profile.agents),
        *_flag("--agent", profile.agent),
        *_flag("--settings", profile.settings),
        *_flag("--effort", profile.effort),
        *(f"--mcp-config={config}" for config in profile.mcp_config),
        # Last: of two servers of one name the later one counts.
        f"--mcp-config={toolserver.CONFIG}",
        *(f"--add-dir={directory}" for directory in profile.add_dirs),
        # One flag a rule: joined by commas, a rule that holds a comma or a space would be cut.
        *(f"--allowedTools={rule}" for rule in (*profile.allowed_tools, *rules, *toolserver.OWN)),
        *(f"--disallowedTools={rule}" for rule in profile.disallowed_tools),
    )


def replayable(rule: str) -> bool:
    """Whether a rule survives the command line unchanged: `Bash(a) Edit(b)` in one flag would be read as two rules."""
    name, opened, rest = rule.partition("(")
    content = rest.removesuffix(")") if opened else ""
    return bool(name.strip()) and not _BREAKS_OUT & set(name + content) and (not opened or rest.endswith(")"))


_PERSISTENT = (
    "-p",
    "--input-format=stream-json",
    "--output-format=stream-json",
    "--verbose",
    "--include-partial-messages",
    "--replay-user-messages",
    "--permission-prompt-tool=stdio",
)
RERENDER = "--system-prompt-snapshot"
_STATELESS = ("--no-session-persistence",)
_UNTRUSTED = ("--setting-sources=", "--strict-mcp-config")
_BREAKS_OUT = frozenset("()\\\n\r\0")


def _flag(name: str, value: str) -> tuple[str, ...]:
    return (f"{name}={value}",) if value else ()
