"""Reads chat messages: what are instructions, what was said before, what is asked now, which files come along. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.http.errors import invalid
from adapters.http.files import Sent, of_base64, of_url
from adapters.http.openai.schema import FilePart, ImagePart, RefusalPart, Spoken, TextPart

BEFORE = "This is what was said before:\n\n<transcript>\n{transcript}\n</transcript>\n\nNow answer this:\n\n{text}"


@dataclass(frozen=True, slots=True)
class Read:
    """What the messages come to."""

    system: str
    text: str
    files: tuple[Sent, ...]


def read(messages: Sequence[Spoken], *, alone: bool) -> Read:
    """`alone`: a session remembers what was said before, so only what follows Claude's last answer is read.

    Raises HttpError.
    """
    numbered = list(enumerate(messages))
    system = [_text(message) for message in messages if message.role in ("system", "developer")]
    said = [(number, message) for number, message in numbered if message.role not in ("system", "developer")]
    if not said or said[-1][1].role in ("assistant", "function"):
        raise invalid("messages", "the last message must be a user's")
    answered = max((place for place, (_, message) in enumerate(said) if message.role == "assistant"), default=-1)
    before, asked = said[: answered + 1], said[answered + 1 :]
    text = "\n\n".join(part for _, message in asked if (part := _text(message)))
    files = [file for number, message in (asked if alone else said) for file in _files(message, number)]
    if not text.strip() and not files:
        raise invalid(f"messages.{said[-1][0]}.content", "is empty")
    if before and not alone:
        text = BEFORE.format(transcript="\n\n".join(_line(message) for _, message in before), text=text)
    return Read("\n\n".join(part for part in system if part), text, tuple(files))


def _line(message: Spoken) -> str:
    calls = [f"(called {call.get('function', {}).get('name', 'a tool')})" for call in message.tool_calls or ()]
    return "\n".join([f"{message.role.capitalize()}:", *filter(None, [_text(message)]), *calls])


def _text(message: Spoken) -> str:
    if message.content is None or isinstance(message.content, str):
        return message.content or ""
    texts: list[str] = []
    for part in message.content:
        match part:
            case TextPart(text=text) | RefusalPart(refusal=text):
                texts.append(text)
            case ImagePart() | FilePart():
                pass
    return "\n\n".join(texts)


def _files(message: Spoken, number: int) -> list[Sent]:
    if message.content is None or isinstance(message.content, str):
        return []
    found: list[Sent] = []
    for place, part in enumerate(message.content):
        where = f"messages.{number}.content.{place}"
        if isinstance(part, ImagePart):
            found.append(of_url(part.image_url.url, f"{where}.image_url.url"))
        elif isinstance(part, FilePart):
            found.append(_file(part, f"{where}.file.file_data"))
    return found


def _file(part: FilePart, field: str) -> Sent:
    data, name = part.file.file_data, part.file.filename
    if data.startswith("data:"):
        return of_url(data, field, name=name)
    return of_base64(data, "application/octet-stream", field, name=name)
