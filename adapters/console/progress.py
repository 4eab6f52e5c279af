"""What of a turn is settled and can be printed for good, and what still changes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

from markdown_it import MarkdownIt

from botkit import texts
from botkit.display import Display
from botkit.events import (
    ApprovalAsked,
    Compacting,
    FileOffered,
    Notice,
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
from botkit.markdown import block, code, excerpt, presentable

ASKED = "Waiting for your answer to what is above."
ROWS, LONGEST = 60, 8_000
"""What of a growing block can be seen at all: lines, characters."""
OUTPUT_ROWS = 20
"""What is printed of a tool's output at the level `full`."""
_MARKDOWN = MarkdownIt("commonmark").enable("table").disable("inline")
_TODO = {"pending": "☐", "active": "▶", "done": "☑"}


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of the screen. `markdown` is rendered; `dim` and `line` are words as they are."""

    kind: Literal["markdown", "dim", "line"]
    text: str


class Progress:
    """Folds a turn's events for a screen that scrolls: `take` what will never change again, show `tail` below it."""

    def __init__(self, display: Display, resumed: str = "") -> None:
        self._display, self._level = display, display.level
        self._ready: list[Block] = []
        self._said, self._done = "", 0
        self._apart = False
        self._thinking = ""
        self._tools: dict[str, ToolStarted] = {}
        self._todos: tuple[Todo, ...] = ()
        self._status = texts.WORKING
        self._begun = self.ended = False
        self.elapsed = 0.0
        """Seconds the turn has worked, as last measured; of `working` it is the time."""
        if resumed:
            self._add("markdown", f"{resumed}\n\n{texts.RESUMED}")

    @property
    def text(self) -> str:
        """Claude's text so far."""
        return self._said

    @property
    def working(self) -> bool:
        """The turn has begun, has not ended, and waits for nobody."""
        return self._begun and not self.ended and self._status != ASKED

    def take(self) -> list[Block]:
        """What can be printed for good since the last time."""
        if cut := 0 if self._level == "quiet" else settled(self._said[self._done :]):
            self._settle(self._done + cut)
        ready, self._ready = self._ready, []
        return ready

    def tail(self) -> list[Block]:
        """What still changes: the last part of the answer, running tools, the list, the state."""
        if self.ended:
            return []
        status = texts.working(self.elapsed) if self._status == texts.WORKING else self._status
        if self._level == "quiet":
            return [Block("dim", status.strip("_"))]
        parts = [Block("markdown", presentable(_end(self._said[self._done :])))]
        parts.append(Block("dim", self._thinking.strip()[-600:]))
        parts += [Block("line", f"⏳ {_named(tool)}") for tool in list(self._tools.values())[-10:]]
        return [part for part in (*parts, self._list(), Block("dim", status.strip("_"))) if part.text]

    def ask(self, text: str) -> None:
        """An approval or a question, as Markdown with what to type."""
        self._settle()
        self._status = ASKED
        self._add("markdown", text)

    def fold(self, event: TurnEvent) -> None:
        """Take the next event in. Approvals and questions come by `ask`, which knows what to type."""
        self._begun = self._begun or not isinstance(event, Waiting)
        match event:
            case TextDelta(text=text, parent=""):
                self._say(text)
            case ThinkingDelta(text=text, parent=""):
                self._status, self._thinking = texts.WORKING, self._thinking + text if self._level == "full" else ""
            case ToolStarted():
                self._settle()
                self._apart, self._status = True, texts.WORKING
                self._tools[event.id] = event
            case ToolFinished():
                self._finish(event)
            case TodoChanged(todos=todos):
                self._todos = todos
            case RequestClosed(allowed=allowed, text=text):
                self._status = texts.WORKING
                self._add("markdown", texts.closed(allowed=allowed, text=text))
            case Notice(text=text):
                self._settle()
                self._add("markdown", text)
            case FileOffered():
                self._settle()
                self._add("markdown", lying(event))
            case Waiting() | Retrying() | Compacting() | TurnStarted():
                self._status = _state(event)
            case TurnFinished() | TurnFailed():
                self.end(event)
            case TextDelta() | ThinkingDelta() | ApprovalAsked() | QuestionAsked():
                pass
            case _:
                assert_never(event)

    def end(self, outcome: TurnFinished | TurnFailed | None) -> None:
        """Settle everything; `None`: the turn was cut off."""
        if self.ended:
            return
        if isinstance(outcome, TurnFinished):
            self._replace(outcome.text)
        self.ended = True
        self._settle()
        if self._todos and self._level != "quiet":
            self._ready.append(self._list())
        if isinstance(outcome, TurnFinished):
            if outcome.denials:
                self._add("markdown", texts.denied([code(denial) for denial in outcome.denials]))
        elif isinstance(outcome, TurnFailed):
            detail = outcome.detail.strip()[:1000]
            self._add("markdown", texts.failure(outcome, block(detail) if "\n" in detail else code(detail)))
        else:
            self._add("markdown", texts.INTERRUPTED)
        if outcome and self._display.footer:
            self._add("dim", texts.footer(outcome.usage).strip("_"))

    def _say(self, text: str) -> None:
        self._settle_thinking()
        if self._apart and self._said and not text.startswith("\n\n"):
            self._said += "\n\n"
        self._apart, self._status = False, texts.WORKING
        self._said += text

    def _finish(self, event: ToolFinished) -> None:
        tool = self._tools.pop(event.id, None)
        if tool is None or self._level == "quiet":
            return
        error = "" if event.ok else f" — {next(iter(event.output.strip().splitlines()), 'failed')[:120]}"
        self._add("line", f"{'✓' if event.ok else '✗'} {_named(tool)}{error}")
        if self._level == "full":
            self._add("dim", excerpt(event.output, rows=OUTPUT_ROWS, characters=LONGEST))

    def _settle_thinking(self) -> None:
        if self._thinking.strip():
            self._add("dim", self._thinking.strip())
        self._thinking = ""

    def _settle(self, end: int | None = None) -> None:
        if self._level == "quiet" and not self.ended:
            return
        self._settle_thinking()
        end = len(self._said) if end is None else end
        self._add("markdown", self._said[self._done : end].strip("\n"))
        self._done = end

    def _replace(self, final: str) -> None:
        """The outcome's text is authoritative: what differs from the text already printed is printed anew."""
        if final and not self._done:
            self._said = final
            return
        words, said, printed = _bare(final), _bare(self._said), _bare(self._said[: self._done])
        if not words or said.endswith(words):
            return
        start = _position(final, len(printed)) if words.startswith(printed) else 0
        self._said = self._said[: self._done] + final[start:]

    def _list(self) -> Block:
        return Block("line", "\n".join(f"{_TODO[todo.state]} {' '.join(todo.text.split())}" for todo in self._todos))

    def _add(self, kind: Literal["markdown", "dim", "line"], text: str) -> None:
        if text:
            self._ready.append(Block(kind, text))


def lying(file: FileOffered) -> str:
    """A file as a terminal shows it: where it lies."""
    return texts.file_lies(code(file.name), code(str(file.path)), file.caption)


def settled(text: str) -> int:
    """How much of a growing Markdown text will not change its look: everything before its last block."""
    starts = [token.map[0] for token in _MARKDOWN.parse(text) if token.level == 0 and token.map and token.nesting >= 0]
    return sum(len(line) + 1 for line in text.split("\n")[: starts[-1]]) if len(starts) > 1 else 0


def _end(text: str) -> str:
    """The end of a long block under its first lines, which say what it is (a fence, a table's head)."""
    lines = text[-LONGEST:].split("\n") if len(text) > LONGEST else text.split("\n")
    if len(text) <= LONGEST and len(lines) <= ROWS:
        return text
    head = text[:LONGEST].split("\n", 2)[:2]
    kept = head[:1] if head[0].startswith(("```", "~~~")) else head if head[0].startswith("|") else []
    return "\n".join([*kept, *lines[-ROWS:]])


def _state(event: Waiting | Retrying | Compacting | TurnStarted) -> str:
    match event:
        case Waiting(ahead=ahead) if ahead:
            return texts.waiting(ahead)
        case Retrying():
            return texts.retrying(event.attempt, event.delay, event.status)
        case Compacting(active=True):
            return texts.COMPACTING
        case _:
            return texts.WORKING


def _named(tool: ToolStarted) -> str:
    summary = " ".join(tool.summary.split())[:160]
    return f"{'  ' if tool.parent else ''}{tool.name}{f': {summary}' if summary else ''}"


def _bare(text: str) -> str:
    return "".join(text.split())


def _position(text: str, count: int) -> int:
    """Where a text goes on after so many characters that are not spaces."""
    for position, character in enumerate(text):
        if count == 0:
            return position
        count -= not character.isspace()
    return len(text)
