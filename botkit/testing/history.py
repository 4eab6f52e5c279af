"""What was sent to a bot and what became visible of it: the history that a checker judges after a fault test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

State = Literal["partial", "final", "notice"]
"""What a post says about its message: still growing, the final reply, or an explicit notice that there is none."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Somebody wrote a message. `at`: any clock, the same for the whole history."""

    message: str
    conversation: str
    at: float


@dataclass(frozen=True, slots=True)
class Offered:
    """The platform began to deliver it."""

    message: str
    at: float


@dataclass(frozen=True, slots=True)
class Accepted:
    """The bot acknowledged a delivery of it."""

    message: str
    at: float


@dataclass(frozen=True, slots=True)
class Shown:
    """A post of the bot that answers a message, as it looked from `at` on."""

    message: str
    post: str
    state: State
    at: float
    repeat: bool = False
    """It says itself that it may be a repeat."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """The nemesis did something."""

    what: str
    at: float


Event = Sent | Offered | Accepted | Shown | Trouble


@dataclass(slots=True)
class History:
    """Everything that happened, in any order; `save` writes it down for whoever looks into a failure."""

    events: list[Event] = field(default_factory=list[Event])

    def add(self, event: Event) -> None:
        self.events.append(event)

    @property
    def sent(self) -> Iterator[Sent]:
        return (event for event in self.events if isinstance(event, Sent))

    @property
    def offered(self) -> Iterator[Offered]:
        return (event for event in self.events if isinstance(event, Offered))

    @property
    def accepted(self) -> Iterator[Accepted]:
        return (event for event in self.events if isinstance(event, Accepted))

    @property
    def shown(self) -> Iterator[Shown]:
        return (event for event in self.events if isinstance(event, Shown))

    def save(self, path: Path) -> None:
        """One JSON line an event, in the order of time."""
        ordered = sorted(self.events, key=lambda event: event.at)
        lines = ({"event": type(event).__name__.lower(), **msgspec.to_builtins(event)} for event in ordered)
        path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
