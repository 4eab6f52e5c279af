"""Events as JSON: the name of the event under `type`, and its fields under their own names."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import get_args

import msgspec

from adapters.http.errors import reason
from adapters.http.sent_files import sent_files
from botkit.events import FileOffered, TurnEvent, TurnFailed, TurnFinished
from botkit.watching import Seen

NAMES: dict[type, str] = {kind: re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower() for kind in get_args(TurnEvent)}
"""`TextDelta` is "text_delta"."""


def event(happened: TurnEvent) -> dict[str, object]:
    """One event as an object. Where a file lies on botkit's machine is not said, nor what only concerns chats."""
    told = _event(happened)
    told.pop("aside", None)
    return told


def _event(happened: TurnEvent) -> dict[str, object]:
    kind: dict[str, object] = {"type": NAMES[type(happened)]}
    match happened:
        case FileOffered():
            return {**kind, **_files(happened)[0]}
        case TurnFinished(files=files):
            return {**kind, **msgspec.to_builtins(replace(happened, files=())), "files": _files(*files)}
        case TurnFailed():
            return {**kind, **msgspec.to_builtins(happened), "detail": reason(happened)}
        case _:
            return {**kind, **msgspec.to_builtins(happened)}


def _files(*files: FileOffered) -> list[dict[str, object]]:
    return [file.model_dump(exclude_none=True) for file in sent_files(files)]


def seen(each: Seen) -> dict[str, object]:
    """What a watcher is told: the beginning of a turn with the message that began it, or an event."""
    place = {"position": each.position, "turn": each.turn}
    if each.event is not None:
        return {**event(each.event), **place}
    begun: dict[str, object] = {"type": "turn", **place}
    if each.asked is not None:
        author = {"id": each.asked.author.id, "name": each.asked.author.name}
        begun |= {"text": each.asked.text, "author": author, "conversation": each.asked.conversation.key}
    return begun
