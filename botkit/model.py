"""The values botkit passes around: who said what, where, and what goes back. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote

from botkit.events import FileOffered, Todo, TurnFailed, TurnFinished
from botkit.runs import Run
from botkit.steps import Step

Kind = Literal["new", "edited", "deleted", "action"]
Role = Literal["user", "approver", "admin"]
PermissionMode = Literal["default", "acceptEdits", "plan", "dontAsk", "auto", "bypassPermissions"]

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.~-]*(?:/[A-Za-z0-9_.~-]*){3}")
_COMMAND = re.compile(r"[/!]([a-z][a-z0-9_-]*)(?:\s+|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Conversation:
    """Where a message was said: one thread of one channel of one space (workspace, guild, tenant)."""

    adapter: str
    space: str
    channel: str
    thread: str = ""
    direct: bool = field(default=False, compare=False)
    """A conversation between one person and the bot; never part of its identity."""

    @property
    def key(self) -> str:
        """A stable text form; the four parts are percent-encoded, so no id can forge another's key."""
        plain = f"{self.adapter}/{self.space}/{self.channel}/{self.thread}"
        if _PLAIN_KEY.fullmatch(plain):
            return plain  # a key is asked for several times a message, and quoting costs ten times as much
        return "/".join(quote(part, safe="") for part in (self.adapter, self.space, self.channel, self.thread))

    @classmethod
    def parse(cls, key: str) -> Conversation:
        """The conversation of a `key`; whether it is direct is not part of the key. Raises ValueError."""
        adapter, space, channel, thread = (unquote(part) for part in key.split("/"))
        return cls(adapter, space, channel, thread)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody on a platform. Policy reads `id` only: names are for showing and can be chosen freely."""

    id: str
    name: str = field(default="", compare=False)
    is_bot: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file somebody sent; `Adapter.download` fetches it. `size` is in bytes, 0 when the platform does not say."""

    id: str
    name: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Overrides:
    """What one message asks of Claude beyond its bot's profile. '' and None leave a thing as it is.

    Nothing here is checked against a policy: whoever makes the message has seen to that.
    """

    model: str = ""
    mode: PermissionMode | Literal[""] = ""
    workdir: str = ""
    """Where a new session works; one that goes on stays where it is."""
    system: str = ""
    """Added to the system prompt, after the bot's own."""
    schema: str = ""
    """JSON schema of the answer, as JSON; the outcome's text is then JSON that fits it."""
    tools: tuple[str, ...] | None = None
    """The only built-in tools there are; () is none."""
    disallowed_tools: tuple[str, ...] = ()
    """Taken away beside those that the bot may not use."""
    effort: str = ""
    """How hard the model thinks: "low", "medium", "high"."""
    thinking: int | None = None
    """Tokens the model may think with; 0 is not at all."""
    budget: float = 0.0
    """US dollars the turn may cost; the bot's own limit holds as well."""
    agent: str = ""
    """Who answers: the name of one of the bot's agents, or of `agents`."""
    agents: str = ""
    """More agents, as JSON of the shape `--agents` takes."""
    command: bool = False
    """The text is a command of the CLI, also where chat text may be none."""
    rerender: bool = False
    """The system prompt as it is now, not as it was when the session began."""


PLAIN = Overrides()


@dataclass(frozen=True, slots=True)
class Message:
    """Anything a person did that botkit may answer: wrote, edited or deleted a message, pressed a button.

    `id` is the same however often and in whichever event the platform delivers it, and unique within the adapter:
    it is the key by which a repeat is recognised. `reply_to` names the message an edit, a deletion or an action is
    about. An action's `text` is the command its button stands for. `sent_at` is Unix seconds by the platform's clock.
    """

    id: str
    conversation: Conversation
    author: User
    text: str
    sent_at: float
    kind: Kind = "new"
    addressed: bool = True
    """Meant for the bot: a direct message, a mention, or a follow-up in a thread the bot is part of."""
    attachments: tuple[Attachment, ...] = ()
    reply_to: str = ""
    context: str = field(default="", compare=False)
    """What was said in the thread before the bot was called into it, as Markdown; given to Claude, never a command."""
    kept: bool = True
    """False: nobody would read its answer after a restart, so no journal holds it and nothing takes it up."""
    verbatim: bool = False
    """The text is for Claude as it stands: never a command, neither botkit's nor the CLI's."""
    stateless: bool = False
    """It has a session of its own that nobody goes on with: gone with its worker when the turn is over. Never kept."""
    overrides: Overrides = PLAIN
    raw: Mapping[str, object] | None = field(default=None, compare=False, repr=False)
    """The platform's own payload, for its adapter only; not kept in the journal."""

    @property
    def command(self) -> str:
        """The lower-case name of the command the text starts with (`/stop`, `!stop`), or ''."""
        match = None if self.verbatim else _COMMAND.match(self.text)
        return match[1].lower() if match else ""

    @property
    def arguments(self) -> str:
        """What follows the command's name, stripped; the whole text when there is no command."""
        match = None if self.verbatim else _COMMAND.match(self.text)
        return (self.text[match.end() :] if match else self.text).strip()


@dataclass(frozen=True, slots=True)
class Action:
    """A button. Pressing it sends `command` as a message; a platform without buttons prints the command."""

    label: str
    command: str
    style: Literal["default", "primary", "danger"] = "default"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What the bot says: Markdown, buttons, files.

    `nonce` is the same for every attempt to send one thing, so that a platform which dedupes does, and
    `Messenger.find` can look for it after a crash. '' means that a repeat does no harm.
    """

    text: str
    actions: tuple[Action, ...] = ()
    files: tuple[Path, ...] = ()
    nonce: str = ""
    names: tuple[str, ...] = ()
    """What people see the files called, in their order; a file without one goes by its own name."""
    live: bool = False
    """More will come: this message is still growing. Only where `Capabilities.live` says that it matters."""
    steps: tuple[Step, ...] = ()
    """What the turn does beside the text. Only where `Capabilities.steps` says that it is shown apart from the text."""
    todos: tuple[Todo, ...] = ()
    """The task list; only where steps are."""
    status: str = ""
    """What goes on at this moment, Markdown on one line; only where steps are, and while the message is `live`."""

    @property
    def named(self) -> tuple[tuple[Path, str], ...]:
        """The files with their names."""
        names = (*self.names, *(path.name for path in self.files[len(self.names) :]))
        return tuple(zip(self.files, names, strict=False))


@dataclass(frozen=True, slots=True)
class MessageRef:
    """A message the bot has posted, as the platform names it."""

    conversation: Conversation
    id: str


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The facts about a platform that the reply engine needs."""

    max_chars: int
    """Longest text of one message, as `Messenger.size` counts it."""
    edit_interval: float = 1.0
    """Least seconds between two edits of one reply."""
    edits: bool = True
    """False: a message cannot be changed once posted, so only final parts are posted."""
    buttons: bool = True
    files: bool = True
    live: bool = False
    """A growing message is another thing here than a finished one (a native stream, a streaming card)."""
    steps: bool = False
    """Tools and tasks are shown apart from the text: a growing message's text is the answer alone, and only ever grows.
    A message may then have no text yet."""
    ordered: bool = True
    """Answers stand one below the other, so a conversation's next turn begins when the one before has been shown."""
    lifetime: float = 0.0
    """Seconds a message may grow; what comes later goes into a new one. 0: for ever."""
    command_prefix: str = "/"
    """What a typed command starts with here, for texts that tell people what to type."""


@dataclass(frozen=True, slots=True)
class ReplyState:
    """What has been posted for a turn: enough to go on in the same messages after a restart."""

    refs: tuple[MessageRef, ...] = ()
    """The messages that hold the answer, in order."""
    asks: tuple[MessageRef, ...] = ()
    """Messages that show a question or an approval which is still open."""
    text: str = ""
    """Claude's text as last shown, Markdown."""
    requests: tuple[str, ...] = ()
    """Ids of what is asked, noted before it is shown: a crash in between leaves a message that nobody else knows of."""
    files: tuple[FileOffered, ...] = ()
    """Files Claude sends, noted before they go out."""
    sent: tuple[str, ...] = ()
    """Ids of those that are on the platform, or that it will never take."""
    interrupted: bool = False
    """The turn had begun in a process that ended: its reply says so."""


@dataclass(frozen=True, slots=True)
class Session:
    """What Claude remembers of a conversation. `id` is the CLI's session id, a UUID chosen by botkit."""

    id: str
    bot: str
    conversation: str
    """The key (`bot/…`) of the one conversation that goes on with it; '' when it was left by `/new` or `/resume`."""
    workdir: str
    owner: str
    """User id of whoever began it."""
    created: float
    used: float
    """Unix seconds."""
    model: str = ""
    mode: str = ""
    title: str = ""
    """The first words of the first prompt, for `/sessions`."""
    display: str = ""
    """The level of display chosen here with `/display`; '' is the bot's."""
    turns: int = 0
    cost: float = 0.0
    """US dollars, all turns."""
    cli_cost: float = 0.0
    """The CLI's own cumulative `total_cost_usd` from which the next turn's cost is counted."""
    rules: tuple[str, ...] = ()
    """Permission rules granted for this session ("Bash(git status)"), replayed when it is resumed."""
    overrides: Overrides = PLAIN
    """What each of its turns asks of Claude beyond the bot's profile; what a message asks for comes first."""
    metadata: Mapping[str, str] = field(default_factory=dict[str, str], compare=False)
    """Whatever a program wants to remember with it."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A received file, saved under a safe generated name; images are also shown to Claude as image blocks."""

    path: Path
    name: str
    media_type: str
    size: int

    @property
    def image(self) -> bool:
        return self.media_type in ("image/png", "image/jpeg", "image/gif", "image/webp")


@dataclass(frozen=True, slots=True)
class Turn:
    """One question to Claude."""

    id: str
    conversation: Conversation
    author: User
    prompt: str
    session: Session
    fresh: bool = False
    """The session does not exist yet: create it under its id instead of resuming it."""
    files: tuple[Upload, ...] = ()
    stateless: bool = False
    """The session ends with the turn: its worker and whatever it has written about it go."""
    verbatim: bool = False
    """The prompt is no command of the CLI, also where the bot allows them."""
    overrides: Overrides = PLAIN


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal: an accepted message whose final reply has not been delivered."""

    id: str
    """The turn's id."""
    bot: str
    conversation: str
    message: Message
    accepted: float
    """Unix seconds."""
    attempts: int = 0
    """How often the turn was given to Claude; 0 while it waits in its lane."""
    retaken: int = 0
    """How often its lane was free for it after a crash, since it was last given to Claude: something on the way there
    may be what crashes."""
    session: str = ""
    reply: ReplyState = ReplyState()
    tools: tuple[str, ...] = ()
    """Summaries of the tools that started."""
    finished: TurnFinished | None = None
    failed: TurnFailed | None = None
    """The outcome, written before it is shown: after a crash it is shown again, not worked out again."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A token bucket: `burst` at most, refilled at `per_second`. `scope` is what a person is told."""

    key: str
    scope: Literal["user", "conversation", "bot", "total"]
    burst: float
    per_second: float


@dataclass(frozen=True, slots=True)
class Admission:
    """All that the store must decide about one message in one round trip."""

    key: str
    """`bot/adapter/message id`: seen before?"""
    limits: tuple[Limit, ...]
    entry: Entry
    now: float
    run: Run | None = None
    """The run the entry's turn is, for a program that will ask what became of it."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """The store's answer. A repeat or a refusal wrote no journal entry and took no token."""

    repeat: bool = False
    refused: Limit | None = None
    retry_after: float = 0.0
    """Seconds until `refused` would pass."""
    session: Session | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to be the only one to use `key` until it expires. `token` grows with every new holder (fencing)."""

    key: str
    token: int
