"""Interactions: a pressed button, a chosen option or a slash command, and what the app makes of it in time.

https://docs.discord.com/developers/interactions/receiving-and-responding
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Literal

from adapters.discord.testing import payloads
from adapters.discord.testing import permissions as bits
from adapters.discord.testing.clock import Clock
from adapters.discord.testing.drafts import MAX_FILE
from adapters.discord.testing.payloads import Payloads
from adapters.discord.testing.record import Record
from adapters.discord.testing.sessions import Sessions
from adapters.discord.testing.wire import Json, Refusal
from adapters.discord.testing.world import App, Channel, Person, Post

TOKEN_SECONDS = 900.0
"""A token is good for a quarter of an hour, in Discord's seconds."""
Kind = Literal["command", "component", "modal"]
KINDS: dict[Kind, int] = {"command": 2, "component": 3, "modal": 5}


@dataclass(slots=True, eq=False)
class Interaction:
    """Something a person did that an app must answer within three seconds."""

    id: str
    token: str
    app: App
    person: Person
    channel: Channel
    kind: Kind
    data: Json
    at: float
    expires: float
    post: Post | None = None
    """The message whose button or menu it was."""
    answered: float = 0.0
    """Monotonic seconds of the first response, 0 while there is none."""
    response: int = 0
    """The type of that response."""
    failed: bool = False
    """Too late: the person read "This interaction failed"."""
    original: Post | None = None
    """What `@original` means: the response, or the component's message."""
    thinking: bool = False
    """Deferred, and nothing said yet."""
    modal: Json | None = None
    followups: list[Post] = field(default_factory=list[Post])

    @property
    def seconds(self) -> float:
        """How long the app took to respond."""
        return self.answered - self.at if self.answered else 0.0

    @property
    def label(self) -> str:
        """What it is, in a few words for a failure message."""
        return f"{self.kind} {self.data.get('custom_id') or self.data.get('name') or ''}".strip()


@dataclass(slots=True)
class Interactions:
    """Every interaction there was."""

    sessions: Sessions
    payloads: Payloads
    clock: Clock
    record: Record
    ack_seconds: float
    every: list[Interaction] = field(default_factory=list[Interaction])

    async def begin(
        self, app: App, person: Person, channel: Channel, kind: Kind, data: Json, post: Post | None = None
    ) -> Interaction:
        """Tell the app, and return once it has responded or it is too late."""
        begun = Interaction(
            self.clock.snowflake(),
            secrets.token_urlsafe(64),
            app,
            person,
            channel,
            kind,
            data,
            time.monotonic(),
            self.clock.now() + TOKEN_SECONDS,
            post,
        )
        self.every.append(begun)
        self.sessions.tell(app, "INTERACTION_CREATE", 0, lambda _intents: self._payload(begun))
        try:
            await self.record.until(lambda: begun.answered, self.ack_seconds)
        except TimeoutError:
            begun.failed = True
            self.record.changed()
        return begun

    def find(self, token: str) -> Interaction:
        """The interaction of a token that still holds. Raises Refusal."""
        found = next((one for one in self.every if secrets.compare_digest(one.token, token)), None)
        if found is None:
            raise Refusal(10015)
        if found.expires < self.clock.now():
            raise Refusal(50027)
        return found

    @property
    def unanswered(self) -> list[Interaction]:
        return [one for one in self.every if one.failed]

    @property
    def pending(self) -> list[Interaction]:
        return [one for one in self.every if not one.answered and not one.failed]

    def metadata(self, one: Interaction) -> Json:
        """What a message that answers an interaction carries of it."""
        body: Json = {"id": one.id, "type": KINDS[one.kind], "user": payloads.user(one.person)}
        body["authorizing_integration_owners"] = _owners(one)
        return body | ({"interacted_message_id": one.post.id} if one.post else {})

    def _payload(self, one: Interaction) -> Json:
        app, room = one.app, one.channel
        body: Json = {
            "id": one.id,
            "application_id": app.id,
            "type": KINDS[one.kind],
            "token": one.token,
            "version": 1,
            "data": one.data,
            "channel_id": room.id,
            "channel": payloads.channel(room, app),
            "locale": "en-US",
            "entitlements": [],
            "attachment_size_limit": MAX_FILE,
            "app_permissions": str(app.permissions & ~room.root.denied),
            "authorizing_integration_owners": _owners(one),
            "context": 0 if room.guild else 1,
        }
        if room.guild is None:
            body["user"] = payloads.user(one.person)
        else:
            whole = payloads.member(one.person, room.guild, whole=True)
            body |= {"guild_id": room.guild.id, "guild_locale": "en-US"}
            body |= {"guild": {"id": room.guild.id, "locale": "en-US", "features": []}}
            body["member"] = whole | {"permissions": str(bits.EVERYTHING_USUAL)}
        if one.post is not None:
            body["message"] = self.payloads.message(one.post, app, bits.MESSAGE_CONTENT)
        return body


def _owners(one: Interaction) -> Json:
    return {"0": one.channel.guild.id if one.channel.guild else "0"}
