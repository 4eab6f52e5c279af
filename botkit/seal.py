"""Where a growing answer was cut: what stands in closed messages stays, what comes later goes into new ones. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from botkit.events import Todo
from botkit.markdown import closed, reopened
from botkit.model import Outgoing
from botkit.steps import Step


@dataclass(frozen=True, slots=True)
class Seal:
    """The answer up to the cut, and the messages that hold it."""

    body: str = ""
    parts: tuple[str, ...] = ()
    opening: str = ""
    """What the next message begins with: a code block's fence, a table's head."""
    steps: tuple[Step, ...] = ()
    todos: tuple[Todo, ...] = ()
    """What the last of these messages shows beside its text."""

    def rest(self, body: str) -> str | None:
        """What is left of a body for the messages that come; None: it no longer begins with what was sealed."""
        if not body.startswith(self.body):
            return None
        return (self.opening + body[len(self.body) :]).lstrip("\n")

    def after(self, body: str, shown: Outgoing) -> Seal:
        """The next cut: behind what a message shows, which is the beginning of the rest."""
        rest = self.rest(body)
        if rest is None or not rest.startswith(shown.text):
            return self
        done = body[: max(len(self.body), len(body) - len(rest) + len(shown.text))]
        opening = reopened(shown.text) if shown.text else self.opening
        kept = done if opening else done.rstrip("\n")
        return Seal(kept, (*self.parts, closed(shown.text)), opening, shown.steps, shown.todos)

    def before(self, body: str, parts: Sequence[str]) -> Seal:
        """The cut before the last of the parts that the rest was split into; the others are finished."""
        body, last = body.rstrip("\n"), parts[-1]
        same = 0
        while same < min(len(last), len(body)) and last[-1 - same] == body[-1 - same]:
            same += 1
        opening = last[: len(last) - same]
        return Seal(body[: len(body) - same], (*self.parts, *parts[:-1]), opening, self.steps, self.todos)

    def fresh(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """The steps that are not shown yet as they are now, and those that still run."""
        return tuple(step for step in steps if step.state == "running" or step not in self.steps)

    def news(self, steps: tuple[Step, ...], todos: tuple[Todo, ...]) -> bool:
        """Whether there is anything beside the text that is worth a new message."""
        return any(step not in self.steps for step in steps) or todos != self.todos
