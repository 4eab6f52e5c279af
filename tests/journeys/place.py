"""What a journey does and sees on a platform, whichever it is. One file in `places` for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")
File = tuple[str, bytes, str]
"""A file that somebody sends: name, bytes, media type."""


class Shown(Protocol):
    """A message of the bot's, as people see it."""

    @property
    def shown(self) -> str:
        """All that can be read now, with `[labels]` for buttons."""
        ...

    @property
    def versions(self) -> Sequence[str]:
        """How it looked, from its first appearance on."""
        ...

    @property
    def files(self) -> Sequence[tuple[str, bytes]]:
        """Names and bytes of what hangs on it."""
        ...

    @property
    def pings(self) -> Sequence[str]:
        """Who was notified by it."""
        ...

    async def press(self, label: str, *, person: str = "alice") -> None: ...

    async def delete(self) -> None: ...


class Thread(Protocol):
    """A question and what follows it, or direct messages."""

    def posts(self) -> Sequence[Shown]:
        """What the bot shows in it, top to bottom."""
        ...

    async def say(self, text: str, *, person: str = "alice") -> None:
        """Write in it, without addressing the bot."""
        ...

    async def edit(self, text: str) -> None:
        """Its first message says something else now."""
        ...

    async def delete(self) -> None:
        """Its first message goes."""
        ...

    async def close(self) -> None:
        """Nothing can be written there any more, not by the bot either."""
        ...


class Place(Protocol):
    """A loopback platform with alice, bob and carol in a channel that the bot is in."""

    @property
    def table(self) -> str:
        """Its name in the config, `slack`."""
        ...

    @property
    def settings(self) -> str:
        """The lines of its table."""
        ...

    @property
    def secrets(self) -> Mapping[str, str]:
        """What botkit's environment must hold for it."""
        ...

    @property
    def most(self) -> int:
        """Characters of its longest message."""
        ...

    def id(self, person: str) -> str:
        """Somebody's id, as the config names them."""
        ...

    async def mention(self, text: str, *, person: str = "alice", files: Sequence[File] = ()) -> Thread:
        """Address the bot in the channel."""
        ...

    async def direct(self, text: str, *, person: str = "alice", files: Sequence[File] = ()) -> Thread:
        """Write to the bot alone."""
        ...

    async def connected(self, within: float) -> None:
        """Wait until botkit is."""
        ...

    async def gone(self, within: float) -> None:
        """Wait until the platform knows that botkit is not connected any more."""
        ...

    def lose(self) -> None:
        """What is written while botkit is away is not delivered by itself when it comes back."""
        ...

    async def until(self, holds: Callable[[], T], within: float) -> T:
        """The first true value, asked again at each change. Raises TimeoutError."""
        ...

    async def settled(self, within: float) -> None:
        """Wait until everything was delivered, and answered or given up."""
        ...

    @property
    def violations(self) -> Sequence[object]:
        """The rules of the platform's that were broken."""
        ...

    def assert_clean(self) -> None:
        """AssertionError if a rule of the platform's was broken."""
        ...
