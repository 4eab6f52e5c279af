"""Every key of bots.toml, what it means and its default. `botkit init` writes this down as an example."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from botkit.display import Level
from botkit.fields import (
    BotName,
    Command,
    FilePath,
    HandlerName,
    JsonText,
    MiddlewareName,
    PathOrJson,
    PublicUrl,
    RateText,
    Seconds,
    StoreUrl,
)
from botkit.model import PermissionMode


class Section(BaseModel):
    """A table of bots.toml: unknown keys are errors, values never change."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        arbitrary_types_allowed=True,
        # Defaults too: a relative path among them starts at the folder of the file.
        validate_default=True,
        revalidate_instances="always",
    )


class Http(Section):
    """The web server: platform webhooks, /healthz (alive) and /readyz (connected, the store answers)."""

    host: str = "127.0.0.1"
    """Address to listen on; "0.0.0.0" is every interface."""
    port: int = Field(default=8080, ge=0, le=65535)
    """0 takes any free port."""
    public_url: PublicUrl = ""
    """How the platforms reach this server from outside, if they do: "https://bots.example.com"."""


class Log(Section):
    """Logs go to stderr, one line for each message, without secrets."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Only "debug" shows the text of messages."""
    format: Literal["auto", "json", "console"] = "auto"
    """With "auto" for people on a terminal, JSON elsewhere."""


class Store(Section):
    """What outlives the process: sessions, the journal of unfinished turns, limits."""

    url: StoreUrl = "sqlite:///botkit.db"
    """A file "sqlite:///file", a server "redis://host:6379/0" (several processes; rediss:// is TLS), or "memory://"."""
    keep_sessions: Seconds = 90 * 86400.0
    """Sessions nobody has used for so long are forgotten."""
    keep_seen: Seconds = 7 * 86400.0
    """How long a message is known, so that a second delivery is not answered again; dead letters too."""
    keep_uploads: Seconds = 30 * 86400.0
    """Received files older than this are deleted."""
    keep_usage: Seconds = 400 * 86400.0
    """Usage records of programs' requests; the memory store keeps the last 100,000 at most."""
    keep_runs: Seconds = 7 * 86400.0
    """Async runs of programs, and what became of them."""
    keep_audit: Seconds = 400 * 86400.0
    """What administrators did."""


class ClaudeOptions(Section):
    """How Claude runs. Under [claude] for all bots, under [bots.NAME] for one; the bot's own value wins."""

    model: str = ""
    """Name or alias of the model; "" is the CLI's default."""
    fallback_model: str = ""
    """Used when the model is overloaded."""
    permission_mode: PermissionMode = "default"
    """With "default" Claude asks before a tool changes something; with "bypassPermissions" it never asks."""
    allowed_tools: tuple[str, ...] = ()
    """Never asked about: ["Read", "Bash(git status)"]."""
    disallowed_tools: tuple[str, ...] = ()
    """Never available."""
    append_system_prompt: str = ""
    """Added to Claude Code's own system prompt; a session keeps the one it began with."""
    agents: JsonText = ""
    """Sub-agents, as JSON."""
    mcp_config: tuple[PathOrJson, ...] = ()
    """MCP servers: files or JSON."""
    settings: PathOrJson = ""
    """Claude Code settings: a file or JSON."""
    add_dirs: tuple[FilePath, ...] = ()
    """Folders besides the workdir that tools may use."""
    effort: str = ""
    """How hard the model thinks: "low", "medium", "high"."""
    environment: dict[str, str] = Field(default_factory=dict)
    """Variables set for Claude and its tools; a bot's are added to those of [claude]."""
    prompt_caching: bool = True
    """Let the API cache what repeats between turns; cheaper."""
    turn_budget: float = Field(default=0.0, ge=0)
    """US dollars one turn may cost; 0 is no limit."""
    launcher: Command = ()
    """A command put before the CLI, such as a sandbox or a container."""


class Pool(Section):
    """The live Claude processes of all bots."""

    max_workers: int = Field(default=8, ge=1)
    """At most so many; further turns wait in order."""
    memory: int = Field(default=0, ge=0)
    """Megabytes all of them may use; 0 is half of what the machine or the container has."""
    spares: int = Field(default=1, ge=0)
    """Started ahead of need for each bot, so that a new conversation answers at once."""
    freeze_after: Seconds = 30.0
    """An idle process is stopped (uses no CPU) after this; 0 is never."""
    park_after: Seconds = 3600.0
    """An idle process is closed after this; its session resumes with the next message."""


class TurnTimes(Section):
    """When a turn has taken too long."""

    turn: Seconds = 1800.0
    """A whole turn, waiting for people not counted."""
    silence: Seconds = 300.0
    """Without a sign of life while no tool runs and nobody is asked."""
    tool: Seconds = 3600.0
    """Without a sign of life while a tool runs."""
    stop: Seconds = 5.0
    """From the request to stop to the use of force."""
    line: int = Field(default=64 * 1024 * 1024, ge=1024 * 1024)
    """Longest line of the CLI in bytes; a longer one fails the turn."""


class Claude(ClaudeOptions):
    """The Claude Code CLI, and defaults for all bots."""

    command: Command = ()
    """The CLI; [] takes a `claude` on PATH, else the one that came with botkit."""
    pass_environment: tuple[str, ...] = ()
    """Names of variables passed on to Claude besides the usual ones."""
    pool: Pool = Pool()
    limits: TurnTimes = TurnTimes()


class Show(Section):
    """What replies show besides the answer."""

    level: Level = "normal"
    """With "quiet" the answer alone, once it is there; with "normal" it grows, with a line for each tool, the task list
    and the time it takes; with "full" also what Claude thinks and what its tools answer, folded. People choose another
    one for a conversation with /display."""
    footer: bool = True
    """The small last line: duration, cost, tools used."""


class Uploads(Section):
    """Files that people send along, and those that Claude sends them."""

    max_bytes: int = Field(default=30 * 1024 * 1024, ge=0)
    """Largest file."""
    max_files: int = Field(default=10, ge=0)
    """Most files of one message."""


Ids = tuple[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)], ...]


class Who(Section):
    """Who may use the bot: nobody, until somebody is named. Ids of the platform, never names; a denial wins."""

    allow_users: Ids = ()
    """For instance ["U024BE7LH"]; ["*"] is everybody who can write to the bot."""
    deny_users: Ids = ()
    allow_channels: Ids = ()
    """Whoever writes in these channels."""
    deny_channels: Ids = ()
    allow_spaces: Ids = ()
    """Everybody of these workspaces."""
    deny_spaces: Ids = ()
    approvers: Ids = ()
    """May use the bot and decide other people's approvals."""
    admins: Ids = ()
    """May do everything."""
    strangers: Literal["ignore", "tell"] = "ignore"
    """With "tell" somebody who may not use the bot is told so, once."""


class Rates(Section):
    """How many messages are answered: "20 per minute", "100 per 6 hours"; "" is no limit."""

    user: RateText = None
    """From one person."""
    conversation: RateText = None
    """In one thread."""
    bot: RateText = None
    """To this bot."""
    total: RateText = None
    """To all bots that share the store."""


class Bot(ClaudeOptions):
    """One bot. Its other tables are its adapters: [bots.NAME.slack]."""

    workdir: FilePath = Field(examples=["workspace"])
    """The folder Claude works in; relative to this file."""
    trust_workdir: bool = False
    """Load the workdir's own Claude settings and hooks: whoever can write there runs commands here."""
    slash_commands: bool = False
    """A message that starts with "/" may be a command of the CLI."""
    models: tuple[str, ...] = ()
    """What people may choose with /model; [] is anything."""
    handlers: tuple[HandlerName, ...] = ("commands", "permissions", "chat")
    """Who answers: installed names or "module:attribute"; the first that fits."""
    middleware: tuple[MiddlewareName, ...] = ("errors", "log", "refusals", "lane", "session", "attachments")
    """What a message passes through, outermost first."""
    queue: int = Field(default=10, ge=0)
    """Messages that may wait in one conversation."""
    session_idle: Seconds = 0.0
    """A conversation silent for so long begins a new session; 0 is never."""
    approval_timeout: Seconds = Field(default=600.0, gt=0)
    """A question to people that nobody answered in this time is denied."""
    recovery: Literal["continue", "ask", "drop"] = "continue"
    """What happens to a turn that a crash cut off."""
    max_attempts: int = Field(default=3, ge=1)
    """After so many crashes in one turn it is given up."""
    display: Show = Show()
    access: Who = Who()
    limits: Rates = Rates()
    uploads: Uploads = Uploads()


class Settings(Section):
    """bots.toml"""

    drain: Seconds = 30.0
    """How long running turns may go on when botkit is told to stop; what is left is taken up by the next start."""
    http: Http = Http()
    log: Log = Log()
    store: Store = Store()
    claude: Claude = Claude()
    bots: dict[BotName, Bot] = Field(default_factory=dict)
