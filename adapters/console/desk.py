"""What lies before the person at the terminal: unanswered lines, and requests with the numbers that decide them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from botkit import asks, texts
from botkit.events import ApprovalAsked, Outcome, QuestionAsked, RequestClosed, TurnFinished
from botkit.model import Action, Capabilities, Message

DECISIONS = ("allow", "deny", "answer")
CAPABILITIES = Capabilities(max_chars=1_000_000, edits=False, files=True)


class Desk:
    """Knows which delivered lines wait for their answer and which requests wait for the person."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self._count = self._failures = 0
        self._lines: dict[str, Message] = {}
        self._replies: set[str] = set()
        self._buttons: dict[str, dict[int, Action]] = {}

    @property
    def answered(self) -> bool:
        """There were lines, and each was answered by a turn that did not fail."""
        return bool(self._count and not self._failures and not self._lines)

    @property
    def busy(self) -> bool:
        """A line waits for its answer, or something is being answered."""
        return bool(self._lines or self._replies)

    @property
    def unheard(self) -> Sequence[str]:
        """Commands by message id that nothing has replied to yet."""
        return [id for id, line in self._lines.items() if line.command and id not in self._replies]

    @property
    def requests(self) -> Sequence[str]:
        """The open requests by id, oldest first."""
        return tuple(self._buttons)

    def said(self, message: Message) -> None:
        """A line is about to be delivered."""
        self._lines[message.id] = message
        self._count += 1

    def opened(self, message: str) -> None:
        """The reply to a message has begun."""
        self._replies.add(message)

    def over(self, message: str, outcome: Outcome | None) -> None:
        """A line has its answer, or (`None`) will never have one. May be called twice."""
        self._replies.discard(message)
        self.changed.set()
        if self._lines.pop(message, None) is not None:
            self._failures += not isinstance(outcome, TurnFinished)

    def ask(self, asked: ApprovalAsked | QuestionAsked) -> str:
        """Take in a request; returns it as Markdown with the numbers to type."""
        outgoing = asks.opened(asked, CAPABILITIES, lambda text: len(text) <= CAPABILITIES.max_chars)
        first = 1 + max((number for buttons in self._buttons.values() for number in buttons), default=0)
        self._buttons[asked.id] = dict(enumerate(outgoing.actions, first))
        self.changed.set()
        if isinstance(asked, QuestionAsked):
            return _questions(asked, first)
        listed = "\n".join(f"- `{number}` {action.label}" for number, action in self._buttons[asked.id].items())
        return f"{outgoing.text}\n\n{listed}\n\nType a number, `/allow`, or `/deny` and a reason."

    def closed(self, event: RequestClosed) -> None:
        if self._buttons.pop(event.id, None) is not None:
            self.changed.set()

    def forget(self, requests: Sequence[str]) -> None:
        """A turn is over: nothing it asked can be decided any more."""
        for request in requests:
            self._buttons.pop(request, None)
        self.changed.set()

    def pressed(self, line: str) -> Action | None:
        """The button whose number was typed."""
        if not (line.isascii() and line.isdigit() and len(line) < 6):
            return None
        return next((buttons[int(line)] for buttons in self._buttons.values() if int(line) in buttons), None)


def _questions(asked: QuestionAsked, first: int) -> str:
    """The questions with a number before each choice, counted on from one question to the next."""
    parts: list[str] = []
    for question in asked.questions:
        lines = [texts.question_title(question.header, question.text), ""]
        for choice in question.choices:
            about = f" — {choice.description}" if choice.description else ""
            lines.append(f"- `{first}` **{choice.label}**{about}")
            first += 1
        parts.append("\n".join(lines))
    several = "; where more than one may be taken: `/answer 1, 3`" if any(q.several for q in asked.questions) else ""
    return "\n\n".join([*parts, f"Type a number, or `/answer` and your own words{several}."])
