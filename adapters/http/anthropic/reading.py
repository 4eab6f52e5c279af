"""Reads Anthropic's messages. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from adapters.http.anthropic.schema import (
    Document,
    Image,
    MessageParam,
    MessagesRequest,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)
from adapters.http.files import Sent, of_base64
from adapters.http.transcript import Line


def lines(body: MessagesRequest) -> list[Line]:
    """Raises HttpError for a file that cannot be read."""
    system = body.system if isinstance(body.system, str) else "\n\n".join(block.text for block in body.system)
    said = [_line(message, f"messages.{number}.content") for number, message in enumerate(body.messages)]
    return [Line("system", system, "system"), *said]


def _line(message: MessageParam, field: str) -> Line:
    if isinstance(message.content, str):
        return Line(message.role, message.content, field)
    texts: list[str] = []
    for block in message.content:
        match block:
            case Text(text=text):
                texts.append(text)
            case ToolUse(name=name):
                texts.append(f"(called {name})")
            case ToolResult(content=str(text)):
                texts.append(text)
            case ToolResult(content=parts):
                texts += [part.text for part in parts if isinstance(part, Text)]
            case Image() | Document() | Thinking():
                pass
            case _:
                assert_never(block)
    return Line(message.role, "\n\n".join(texts), field, tuple(_files(message, field)))


def _files(message: MessageParam, field: str) -> Iterator[Sent]:
    for place, block in enumerate(message.content):
        if not isinstance(block, Image | Document):
            continue
        where, source = f"{field}.{place}.source.data", block.source
        name = (block.title or "") if isinstance(block, Document) else ""
        if source.type == "text":
            yield Sent(name or "document.txt", "text/plain", source.data.encode("utf-8", "replace"), where)
        else:
            yield of_base64(source.data, source.media_type, where, name=name)
