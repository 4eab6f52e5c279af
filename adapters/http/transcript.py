"""What a program says: instructions, what was said before, what is asked now, files. The same for every API. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.http.errors import invalid
from adapters.http.files import Sent
from adapters.http.wishes import NOTHING, Given

BEFORE = "This is what was said before:\n\n<transcript>\n{transcript}\n</transcript>\n\nNow answer this:\n\n{text}"


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a program, in words."""

    role: str
    """"system", "user", "assistant", "tool"; a developer's instructions are the system's."""
    text: str
    field: str
    """Where it stood in the request."""
    files: tuple[Sent, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """What the messages come to."""

    system: Given
    text: str
    files: tuple[Sent, ...]


def read(lines: Sequence[Line], field: str, *, alone: bool) -> Read:
    """`alone`: a session remembers what was said before, so only what follows Claude's last answer is read.

    Raises HttpError, naming `field` when the last word is not the program's.
    """
    system = _system([line for line in lines if line.role == "system" and line.text])
    said = [line for line in lines if line.role != "system"]
    if not said or said[-1].role == "assistant":
        raise invalid(field, "the last message must be a user's")
    answered = max((place for place, line in enumerate(said) if line.role == "assistant"), default=-1)
    before, asked = said[: answered + 1], said[answered + 1 :]
    text = "\n\n".join(line.text for line in asked if line.text)
    files = tuple(file for line in (asked if alone else said) for file in line.files)
    if not text.strip() and not files:
        raise invalid(said[-1].field, "is empty")
    if before and not alone:
        transcript = "\n\n".join(f"{line.role.capitalize()}:\n{line.text}" for line in before)
        text = BEFORE.format(transcript=transcript, text=text)
    return Read(system, text, files)


def _system(lines: Sequence[Line]) -> Given:
    """All that the system says. What no worker can be started with is the longest of it, or holds a zero."""
    if not lines:
        return NOTHING
    worst = max(lines, key=lambda line: ("\0" in line.text, len(line.text)))
    return Given("\n\n".join(line.text for line in lines), worst.field)
