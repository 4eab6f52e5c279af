"""One request as a route sees it, and what a route is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from adapters.discord.testing.drafts import GivenFile, unknown_fields
from adapters.discord.testing.form import Form
from adapters.discord.testing.permissions import MESSAGE_CONTENT
from adapters.discord.testing.site import Site
from adapters.discord.testing.wire import Json, Refusal, is_mapping
from adapters.discord.testing.world import App, Channel, Post

Answer = Json | list[Json] | None
"""None is 204, no content."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that got past the door."""

    route: str
    sender: App | None
    """None on the routes that need no authorization."""
    places: Mapping[str, str]
    """What stands in the path."""
    query: Mapping[str, str]
    body: object
    files: Sequence[GivenFile]
    site: Site

    @property
    def app(self) -> App:
        if self.sender is None:
            raise Refusal(0, status=401, message="401: Unauthorized")
        return self.sender

    @property
    def fields(self) -> Json:
        """The body, which must be an object."""
        if not is_mapping(self.body):
            form = Form()
            form.complain((), "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
            form.check()
            return {}
        return self.body

    def channel(self, *permissions: int) -> Channel:
        """The channel in the path. Raises Refusal if it is unknown, hidden, or the app may not do that there."""
        room = self.site.directory.channels.get(self.places["channel"])
        if room is None:
            raise Refusal(10003)
        if not room.allows(self.app, 0):
            raise Refusal(50001)
        for permission in permissions:
            if not room.allows(self.app, permission):
                raise Refusal(50013)
        return room

    def post(self, room: Channel) -> Post:
        """The message in the path; ephemeral ones do not exist for this API."""
        post = room.posts.get(self.places["message"])
        if post is None or post.deleted or post.ephemeral:
            raise Refusal(10008)
        return post

    def shown(self, post: Post) -> Json:
        """A message as this app may read it over HTTP."""
        return self.site.payloads.message(post, self.app, self.app.privileged & MESSAGE_CONTENT)

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """A number in the query."""
        value = self.query.get(name, str(default))
        if not value.isdigit() or not least <= int(value) <= most:
            form = Form()
            form.complain((name,), "NUMBER_TYPE_MAX", f"int value should be between {least} and {most}.")
            form.check()
        return int(value)

    def note_unknown(self) -> None:
        """Record fields that a message does not have."""
        for name in unknown_fields(self.body):
            self.site.record.violation(self.route, f"messages have no field {name!r}")


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path of the REST API, with its bucket: so many requests in so many of Discord's seconds."""

    name: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    run: Callable[[Call], Answer]
    bucket: tuple[int, float] | None = None
    major: tuple[str, ...] = ()
    """The ids in the path for which the bucket is counted separately."""
    open: bool = False
    """Needs no authorization: interactions, whose token is in the path. They do not count against the global limit."""
