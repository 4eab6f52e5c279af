"""What happens in a turn. Everything that is shown is one of these; the last one is the outcome, exactly once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

CUT = "…"
"""The last character of a tool's summary, detail or output that went on."""

FailureReason = Literal[
    "stopped",  # somebody stopped it
    "crashed",  # the CLI died
    "silent",  # no sign of life for too long
    "timeout",  # the turn took too long
    "api",  # the model's API refused or was overloaded
    "login",  # the CLI has no valid credentials
    "budget",  # the turn's or the session's money is spent
    "missing",  # the CLI cannot be started
    "protocol",  # the CLI said something that cannot be understood
    "interrupted",  # botkit was stopped or killed meanwhile
    "gave_up",  # cut off too many times
    "schema",  # the answer does not follow the schema it was asked for
    "error",  # anything else; `detail` says what
]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a turn took. Tokens as the Messages API counts them, cost in US dollars, time in seconds."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost: float = 0.0
    seconds: float = 0.0
    tools: int = 0
    total: float = 0.0
    """The CLI's own cumulative cost of the session so far: `Session.cli_cost`."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The turn has not begun; `ahead` others go first (0: it begins now)."""

    ahead: int
    behind: int = 0
    """Others that wait behind it in the same conversation."""
    aside: bool = False
    """Another message of the conversation says how many wait: not worth a message of its own."""


@dataclass(frozen=True, slots=True)
class TurnStarted:
    session: str
    model: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer. `parent` is the id of the sub-agent's tool call it comes from, '' for the answer itself."""

    text: str
    parent: str = ""


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    text: str
    parent: str = ""


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """`summary` is one line: the command, the file, the pattern."""

    id: str
    name: str
    summary: str
    parent: str = ""


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """Always preceded by its `ToolStarted`. `output` is the tool's result, cut to a bounded length."""

    id: str
    ok: bool
    output: str = ""


@dataclass(frozen=True, slots=True)
class Todo:
    text: str
    state: Literal["pending", "active", "done"]


@dataclass(frozen=True, slots=True)
class TodoChanged:
    """The whole task list as it is now."""

    todos: tuple[Todo, ...]


@dataclass(frozen=True, slots=True)
class ApprovalAsked:
    """Claude wants to use a tool that needs a person's word. Unanswered, the turn waits.

    `rules` are what "allow for this session" would grant, shown before they are granted.
    """

    id: str
    tool: str
    summary: str
    detail: str = ""
    """What will happen, as text: the whole command, the diff, the input as JSON; bounded."""
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    label: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    header: str = ""
    choices: tuple[Choice, ...] = ()
    several: bool = False
    """More than one choice may be taken."""


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """Claude asks the people (AskUserQuestion). Unanswered, the turn waits."""

    id: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class RequestClosed:
    """An approval or a question is over; `text` says how, in words for the chat."""

    id: str
    allowed: bool
    text: str
    rules: tuple[str, ...] = ()
    """What was granted until the session ends; add it to `Session.rules`, from where it is replayed on resuming."""


@dataclass(frozen=True, slots=True)
class FileOffered:
    """Claude sends the people a file; shown as a message of its own."""

    path: Path
    """Where it lies, for people to read."""
    name: str
    caption: str
    copy: Path
    """What was in it when Claude sent it: this is what goes out."""
    id: str
    """The same for the same name and content: in one turn they go out once, also after a restart."""
    size: int = 0
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Retrying:
    """The model's API did not answer; the CLI tries again in `delay` seconds. `status` 0: no HTTP status."""

    attempt: int
    delay: float
    status: int


@dataclass(frozen=True, slots=True)
class Compacting:
    """The CLI is shortening its memory (`active`), or has done so."""

    active: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the people should know, said by botkit or the CLI, as Markdown."""

    text: str


@dataclass(frozen=True, slots=True)
class TurnFinished:
    """`text` is authoritative: it replaces whatever the deltas added up to."""

    text: str
    usage: Usage = Usage()
    session: str = ""
    denials: tuple[str, ...] = ()
    """Tools that were refused, one summary each."""
    refused: str = ""
    """Policy turned the message down, and the text says so to its sender: one word for programs (`Refused.code`)."""
    retry_after: float = 0.0
    """Of a refusal: seconds until the message would pass, 0 where waiting does not help."""
    files: tuple[FileOffered, ...] = ()
    """All that were sent in the turn, also before a restart."""
    aside: bool = False
    """Of a refusal: the conversation was told a moment ago, so it is not worth a message."""


@dataclass(frozen=True, slots=True)
class TurnFailed:
    reason: FailureReason
    detail: str = ""
    retryable: bool = False
    """The sender may simply ask again."""
    usage: Usage = Usage()
    session: str = ""
    aside: bool = False
    """It never began, and whoever ended it was told so: not worth a message."""


Outcome = TurnFinished | TurnFailed
TurnEvent = (
    Waiting
    | TurnStarted
    | TextDelta
    | ThinkingDelta
    | ToolStarted
    | ToolFinished
    | TodoChanged
    | ApprovalAsked
    | QuestionAsked
    | RequestClosed
    | FileOffered
    | Retrying
    | Compacting
    | Notice
    | TurnFinished
    | TurnFailed
)


@dataclass(frozen=True, slots=True)
class Allow:
    """Let the tool run; `for_session` also grants the request's rules until the session ends."""

    for_session: bool = False


@dataclass(frozen=True, slots=True)
class Deny:
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Answers to a question: one list of labels (or free text) for each question, in order."""

    labels: tuple[tuple[str, ...], ...]


Decision = Allow | Deny | Answer
