"""What was said in a session, as Claude's own transcript keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool Claude used. `input` is JSON text; `output` is what came back as text, '' while nothing has."""

    id: str
    name: str
    input: str
    output: str = ""
    ok: bool = True
    after: int = 0
    """Characters of the answer's text that were said before."""


@dataclass(frozen=True, slots=True)
class Said:
    """One side of the conversation until the other speaks: a prompt, or all of Claude's answer to it."""

    id: str
    """The transcript's own id of its first line, a UUID."""
    role: Literal["user", "assistant"]
    text: str
    """Markdown. A user's text is what Claude was given, so it may begin with who wrote it."""
    at: float
    """Unix seconds."""
    thinking: str = ""
    tools: tuple[ToolCall, ...] = ()
    cut: Literal["", "stopped", "failed"] = ""
    """Why an answer is none, or not whole: somebody stopped it, or the model could not be reached, as its text says."""
