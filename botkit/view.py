"""Folds a turn's events into what is seen. Pure: no clock, no waiting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from botkit import texts
from botkit.display import Display
from botkit.events import (
    ApprovalAsked,
    Compacting,
    FileOffered,
    Notice,
    Outcome,
    QuestionAsked,
    RequestClosed,
    Retrying,
    TextDelta,
    ThinkingDelta,
    Todo,
    TodoChanged,
    ToolFinished,
    ToolStarted,
    TurnEvent,
    TurnFailed,
    TurnFinished,
    TurnStarted,
    Waiting,
)
from botkit.markdown import block, closed, code, presentable, settled
from botkit.steps import Step
from botkit.toolbox import Toolbox


@dataclass(slots=True)
class Request:
    """An approval or a question, and how it ended."""

    asked: ApprovalAsked | QuestionAsked
    closed: RequestClosed | None = None


class View:
    """What can be seen of one turn. `resumed` is the text that an earlier process had shown of it.

    `interrupted`: that process had begun it, even if there was nothing to see.
    """

    def __init__(self, resumed: str = "", *, interrupted: bool = False) -> None:
        self.requests: dict[str, Request] = {}
        """Approvals and questions by id, in the order they came; shown as messages of their own."""
        self.files: dict[str, FileOffered] = {}
        """Files by id, in the order Claude sent them; shown as messages of their own."""
        self.outcome: Outcome | None = None
        self.elapsed = 0.0
        """Seconds the turn has worked, as whoever shows it last measured; of `working` it is the time."""
        self._resumed, self._begun = resumed, False
        self._cut_off = interrupted or bool(resumed)
        self._pieces: list[str] = []
        self._apart = False
        self._settled = ""
        self._tools = Toolbox()
        self._todos: tuple[Todo, ...] = ()
        self._notices: list[str] = []
        self._status = ""

    @property
    def text(self) -> str:
        """Claude's text so far, with what an earlier process had shown before it."""
        return "\n\n".join(part for part in self._told() if part)

    def fold(self, event: TurnEvent) -> None:
        """Take the next event in."""
        match event:
            case TextDelta():
                self._say(event)
            case ThinkingDelta():
                self._think(event)
            case ToolStarted():
                self._apart, self._status = self._apart or not event.parent, ""
                self._tools.start(event)
            case ToolFinished():
                self._tools.finish(event)
            case TodoChanged():
                self._todos = event.todos
            case ApprovalAsked() | QuestionAsked():
                self.requests.setdefault(event.id, Request(event))
            case RequestClosed():
                self._close(event)
            case FileOffered():
                self.files.setdefault(event.id, event)
            case Notice():
                self._notices.append(event.text)
            case TurnFinished() | TurnFailed():
                self.outcome = self.outcome or event
            case TurnStarted() | Waiting() | Retrying() | Compacting():
                self._begun = self._begun or isinstance(event, TurnStarted)
                self._status = self._state(event)
            case _:
                assert_never(event)

    def _state(self, event: TurnStarted | Waiting | Retrying | Compacting) -> str:
        """What it says of the moment; nothing of what another message says, unless this one stands there already."""
        aside = isinstance(event, Waiting) and event.aside and not self._status and not self._cut_off
        return "" if aside else _status(event)

    @property
    def working(self) -> bool:
        """The turn has begun, has not ended, and waits for nobody: its time goes on."""
        return self._begun and self.outcome is None and not self._asking

    @property
    def _asking(self) -> bool:
        return any(request.closed is None for request in self.requests.values())

    def steps(self, display: Display) -> tuple[Step, ...]:
        """The tools so far, and at the level `full` what Claude thinks, for platforms that draw steps themselves."""
        return () if display.level == "quiet" else self._tools.steps(thoughts=display.level == "full")

    def todos(self, display: Display) -> tuple[Todo, ...]:
        """The task list, for the same platforms."""
        return () if display.level == "quiet" else self._todos

    @property
    def status(self) -> str:
        """What goes on at this moment, Markdown; '' for nothing but work."""
        return self._status or (texts.ASKED if self._asking else "")

    def said(self, display: Display) -> str:
        """The text so far, of which nothing will change any more: it only gets longer."""
        if display.level == "quiet":
            return ""
        answer = self._answer()
        # A tool has begun, so the paragraph is over.
        whole = f"{answer}\n\n" if self._apart and answer else ""
        self._settled = max(self._settled, whole or settled(answer), key=len)
        before = [self._resumed, texts.RESUMED] if self._cut_off else []
        return "".join(f"{part}\n\n" for part in before if part) + self._settled

    def body(self, display: Display, *, final: bool) -> str:
        """The reply as Markdown; '' while there is nothing worth showing. `final`: nothing more will come."""
        if display.level == "quiet" and not final:
            return ""
        parts = self._ended(display) if final else self._running(display)
        return "\n\n".join(part for part in parts if part)

    def _close(self, event: RequestClosed) -> None:
        if event.id in self.requests:
            self.requests[event.id].closed = event

    def _say(self, delta: TextDelta) -> None:
        if delta.parent or not delta.text:
            return
        if self._apart and self._pieces and not delta.text.startswith("\n\n"):
            # What Claude says after a tool is a new paragraph; the CLI sends no line break between the two.
            self._pieces.append("\n\n")
        self._begun, self._apart, self._status = True, False, ""
        self._tools.rest()
        self._pieces.append(delta.text)

    def _think(self, delta: ThinkingDelta) -> None:
        if not delta.parent:
            self._tools.think(delta.text)

    def _answer(self) -> str:
        self._pieces = ["".join(self._pieces)] if self._pieces else []
        return self._pieces[0] if self._pieces else ""

    def _told(self) -> Iterator[str]:
        answer, finished = self._answer(), isinstance(self.outcome, TurnFinished)
        if isinstance(self.outcome, TurnFinished) and self.outcome.text:
            answer = self.outcome.text
        # An outcome without a beginning is that of the earlier process, whose text it replaces.
        if self._cut_off and not (finished and answer and not self._begun):
            yield self._resumed
            yield texts.RESUMED if answer else ""
        yield answer

    def _running(self, display: Display) -> Iterator[str]:
        before = [self._resumed, texts.RESUMED] if self._cut_off else []
        rest = [
            *before,
            presentable(self._answer()),
            self._tools.folds(final=False) if display.level == "full" else self._tools.lines(),
            _list(self._todos),
            *self._notices,
        ]
        if any(rest) or self.status:
            yield from rest
            yield self.status or texts.working(self.elapsed)

    def _ended(self, display: Display) -> Iterator[str]:
        outcome, told = self.outcome, self.text
        if outcome and outcome.aside and not self._status and not self._cut_off:
            return
        yield closed(told)
        yield from self._notices
        if isinstance(outcome, TurnFinished):
            yield texts.denied([code(denial) for denial in outcome.denials]) if outcome.denials else ""
            yield "" if told or self._notices else texts.NO_TEXT
        elif isinstance(outcome, TurnFailed):
            yield texts.CUT if told and outcome.reason != "stopped" else ""
            # What the API said is Claude's last text already.
            yield texts.failure(outcome, "" if outcome.detail.strip() in told else _detail(outcome.detail))
        else:
            yield texts.INTERRUPTED
        yield self._tools.folds(final=True) if display.level == "full" else ""
        yield texts.footer(outcome.usage) if outcome and display.footer else ""


def _status(event: TurnStarted | Waiting | Retrying | Compacting) -> str:
    match event:
        case Waiting():
            return texts.waiting(event.ahead, event.behind) if event.ahead else ""
        case Retrying():
            return texts.retrying(event.attempt, event.delay, event.status)
        case Compacting():
            return texts.COMPACTING if event.active else ""
        case TurnStarted():
            return ""
        case _:
            assert_never(event)


def _detail(text: str) -> str:
    bare = text.strip()[:1000]
    return block(bare) if "\n" in bare else code(bare)


def _list(todos: tuple[Todo, ...]) -> str:
    signs = {"pending": "☐", "active": "▶", "done": "☑"}
    return "\n".join(f"- {signs[todo.state]} {' '.join(todo.text.split())[:200]}" for todo in todos[:20])
