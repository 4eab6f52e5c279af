"""All parts of one loopback Feishu in one place, as its methods and its people use them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from adapters.feishu.testing.clock import Clock
from adapters.feishu.testing.content import Contents
from adapters.feishu.testing.delivery import Courier
from adapters.feishu.testing.directory import Directory
from adapters.feishu.testing.limits import Budgets
from adapters.feishu.testing.record import Record
from adapters.feishu.testing.rooms import Rooms
from adapters.feishu.testing.sockets import Sockets
from adapters.feishu.testing.world import App, Post, Resource, Speaker

TOKEN_SECONDS, TOKEN_RENEWAL = 7200.0, 1800.0
"""A tenant access token's life, and how much of it is left when a new one is given out."""
CALLBACK_SECONDS, CALLBACK_USES = 1800.0, 2


@dataclass(slots=True, eq=False)
class CallbackToken:
    """What lets an app change a card after a callback: half an hour, two times, and only after its answer."""

    app: App
    post: Post
    until: float
    uses: int = 0
    answered: bool = False


@dataclass(slots=True, eq=False)
class Site:
    """The parts, and what is short-lived."""

    origin: str
    """`http://127.0.0.1:port`, for `domain` of the SDKs."""
    clock: Clock
    directory: Directory
    rooms: Rooms
    record: Record
    budgets: Budgets
    sockets: Sockets
    courier: Courier
    sent: dict[tuple[str, str], tuple[float, Post]] = field(default_factory=dict[tuple[str, str], tuple[float, Post]])
    """By app and uuid: the message sent with it, and when."""
    callbacks: dict[str, CallbackToken] = field(default_factory=dict[str, CallbackToken])
    deduplicated: int = 0
    """Messages sent again with the same uuid, and not posted again."""

    def contents(self, app: App) -> Contents:
        return Contents(self.directory, app)

    def token(self, app: App) -> tuple[str, int]:
        """The app's tenant access token and the seconds it is still good for."""
        now = self.clock.now()
        if app.token_until - now < TOKEN_RENEWAL:
            app.token, app.token_until = f"t-{secrets.token_hex(20)}", now + TOKEN_SECONDS
            app.tokens[app.token] = app.token_until
        return app.token, int(self.clock.real(app.token_until - now))

    def resource(self, owner: Speaker, name: str, data: bytes, file_type: str = "", duration: int = 0) -> Resource:
        """Keep an image (no file type) or a file."""
        key = f"img_v3_{secrets.token_hex(16)}" if not file_type else f"file_v3_{secrets.token_hex(16)}"
        kind = "file" if file_type else "image"
        resource = Resource(key, "file" if kind == "file" else "image", name, data, owner, file_type, duration)
        self.directory.resources[key] = resource
        return resource

    def callback(self, app: App, post: Post) -> str:
        """A token for changing the card later."""
        token = f"c-{secrets.token_hex(20)}"
        self.callbacks[token] = CallbackToken(app, post, self.clock.now() + CALLBACK_SECONDS)
        return token
