"""Events as JSON: the name of the event under `type`, and its fields under their own names."""

from __future__ import annotations

import re
from typing import get_args

import msgspec

from adapters.http.errors import reason
from botkit.events import FileOffered, TurnEvent, TurnFailed
from botkit.watching import Seen

NAMES: dict[type, str] = {kind: re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower() for kind in get_args(TurnEvent)}
"""`TextDelta` is "text_delta"."""


def event(happened: TurnEvent) -> dict[str, object]:
    """One event as an object. Where a file lies on botkit's machine is not said."""
    kind = {"type": NAMES[type(happened)]}
    if isinstance(happened, FileOffered):
        return {**kind, "id": happened.id, "name": happened.name, "caption": happened.caption}
    told: dict[str, object] = msgspec.to_builtins(happened)
    if isinstance(happened, TurnFailed):
        told["detail"] = reason(happened)
    return {**kind, **told}


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
