"""A step on the way to the answer: a tool that Claude uses, or something it thinks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Step:
    """One step as it stands. `id` stays the same while it changes."""

    id: str
    name: str
    """The tool; '' for a thought."""
    summary: str = ""
    """What the tool is used on, in one line: the command, the file, the pattern."""
    state: Literal["running", "done", "failed"] = "running"
    detail: str = ""
    """What came of it, as plain text of a bounded length: the tool's output, or the thought."""
    parent: str = ""
    """The id of the sub-agent's tool call it belongs to, '' for Claude's own."""

    @property
    def title(self) -> str:
        """One line of plain text; '' for a thought."""
        return f"{self.name}: {self.summary}" if self.summary else self.name
