"""All parts of one loopback Discord in one place, as its routes and its people use them."""

from __future__ import annotations

from dataclasses import dataclass, field

from adapters.discord.testing.cdn import Cdn
from adapters.discord.testing.clock import Clock
from adapters.discord.testing.directory import Directory
from adapters.discord.testing.gateway import Gateway
from adapters.discord.testing.interactions import Interactions
from adapters.discord.testing.limits import Budgets
from adapters.discord.testing.payloads import Payloads
from adapters.discord.testing.record import Record
from adapters.discord.testing.rooms import Rooms
from adapters.discord.testing.sessions import Sessions
from adapters.discord.testing.world import App, Post

NONCE_SECONDS = 300.0
""""The past few minutes", in Discord's seconds."""


@dataclass(slots=True, eq=False)
class Site:
    """The parts, and what is short-lived: nonces."""

    origin: str
    """`http://127.0.0.1:port`."""
    clock: Clock
    directory: Directory
    record: Record
    budgets: Budgets
    rooms: Rooms
    payloads: Payloads
    cdn: Cdn
    sessions: Sessions
    gateway: Gateway
    interactions: Interactions
    deduplicated: int = 0
    """Messages that were sent again with the same nonce and not posted again."""
    _nonces: dict[tuple[str, str], tuple[float, Post]] = field(
        default_factory=dict[tuple[str, str], tuple[float, Post]]
    )

    @property
    def gateway_url(self) -> str:
        return f"{self.origin.replace('http', 'ws', 1)}/gateway"

    def known(self, app: App, nonce: str | int | None) -> Post | None:
        """The message that the app sent with that nonce a while ago."""
        at, post = self._nonces.get((app.id, str(nonce)), (0.0, None))
        if nonce is None or post is None or self.clock.now() - at > NONCE_SECONDS:
            return None
        return post

    def note(self, app: App, nonce: str | int | None, post: Post) -> None:
        if nonce is not None:
            self._nonces[app.id, str(nonce)] = (self.clock.now(), post)
