"""Reads chat messages. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.http.files import Sent, of_base64, of_url
from adapters.http.openai.schema import Called, ChatMessage, FilePart, ImagePart, RefusalPart, TextPart
from adapters.http.transcript import Line

_ROLES = {"developer": "system", "function": "tool"}


def lines(messages: tuple[ChatMessage, ...]) -> list[Line]:
    """Raises HttpError for a file that cannot be read."""
    return [_line(message, f"messages.{number}.content") for number, message in enumerate(messages)]


def _line(message: ChatMessage, field: str) -> Line:
    calls = [f"(called {(call.function or Called()).name})" for call in message.tool_calls or ()]
    text = "\n".join(part for part in (_text(message), *calls) if part)
    return Line(_ROLES.get(message.role, message.role), text, field, tuple(_files(message, field)))


def _text(message: ChatMessage) -> str:
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


def _files(message: ChatMessage, field: str) -> Iterator[Sent]:
    if message.content is None or isinstance(message.content, str):
        return
    for place, part in enumerate(message.content):
        if isinstance(part, ImagePart):
            yield of_url(part.image_url.url, f"{field}.{place}.image_url.url")
        elif isinstance(part, FilePart):
            yield of_file(part.file.file_data, part.file.filename, f"{field}.{place}.file.file_data")


def of_file(data: str, name: str, field: str) -> Sent:
    """A file in a data URL or in base64. Raises HttpError."""
    if data.startswith("data:"):
        return of_url(data, field, name=name)
    return of_base64(data, "application/octet-stream", field, name=name)
