"""Who and what exists in a loopback Discord, by id, name and token."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from adapters.discord.testing.clock import Clock
from adapters.discord.testing.permissions import EVERYTHING_USUAL
from adapters.discord.testing.world import App, Channel, Guild, Person, Post, Role

T = TypeVar("T")


@dataclass(slots=True)
class Directory:
    """Everything that has an id."""

    clock: Clock
    guilds: dict[str, Guild] = field(default_factory=dict[str, Guild])
    people: dict[str, Person] = field(default_factory=dict[str, Person])
    channels: dict[str, Channel] = field(default_factory=dict[str, Channel])
    apps: dict[str, App] = field(default_factory=dict[str, App])

    def person(self, name: str, *, is_bot: bool = False) -> Person:
        person = Person(self.clock.snowflake(), name, is_bot=is_bot)
        self.people[person.id] = person
        return person

    def guild(self, name: str, owner: Person) -> Guild:
        guild = Guild(self.clock.snowflake(), name, owner, {owner.id: owner})
        guild.roles[guild.id] = Role(guild.id, "@everyone")
        # People have their rights by a role of their own, so that an app has exactly what its role grants.
        members = Role(self.clock.snowflake(), "people", EVERYTHING_USUAL)
        guild.roles[members.id] = members
        self.guilds[guild.id] = guild
        return guild

    def app(self, name: str) -> App:
        """An app; its bot has the same id, as with every app made since 2016."""
        bot = self.person(name, is_bot=True)
        first = base64.urlsafe_b64encode(bot.id.encode()).decode().rstrip("=")
        app = App(bot.id, name, bot, f"{first}.{secrets.token_urlsafe(4)}.{secrets.token_urlsafe(28)}")
        self.apps[app.id] = app
        return app

    def install(self, app: App, guild: Guild) -> None:
        """Let the app into a guild, with a role named after it."""
        guild.people[app.bot.id] = app.bot
        role = Role(app.id, app.name)
        guild.roles[role.id] = role

    def channel(self, name: str, guild: Guild, members: Iterable[Person] | None = None) -> Channel:
        seen = None if members is None else {member.id for member in members}
        channel = Channel(self.clock.snowflake(), name, guild, members=seen)
        self.channels[channel.id] = channel
        return channel

    def direct(self, person: Person, app: App) -> Channel:
        """The direct messages between a person and an app, opened when there are none yet."""
        members = {person.id, app.bot.id}
        for channel in self.channels.values():
            if channel.kind == "dm" and channel.members == members:
                return channel
        channel = Channel(self.clock.snowflake(), "", None, "dm", members, partner=person)
        self.channels[channel.id] = channel
        return channel

    def thread(self, parent: Channel, owner: Person, name: str, root: Post | None, auto_archive: int) -> Channel:
        """A public thread; one that begins at a message has that message's id."""
        thread_id = root.id if root is not None else self.clock.snowflake()
        thread = Channel(thread_id, name, parent.guild, "thread", parent=parent, owner=owner)
        thread.auto_archive, thread.joined = auto_archive, {owner.id}
        self.channels[thread.id] = thread
        if root is not None:
            root.thread = thread
        return thread

    def threads(self, parent: Channel | Guild) -> list[Channel]:
        """The threads in a channel or guild, oldest first."""
        return [room for room in self.channels.values() if room.parent and parent in (room.parent, room.guild)]

    def by_token(self, token: str) -> App | None:
        return next((app for app in self.apps.values() if token == app.token), None)

    def find_person(self, who: Person | str) -> Person:
        """A person by object, id or name; KeyError for nobody."""
        if isinstance(who, Person):
            return who
        if who in self.people:
            return self.people[who]
        return _only(who, [person for person in self.people.values() if person.name == who])

    def find_channel(self, where: Channel | str) -> Channel:
        """A channel or thread by object, id or name (with or without #); KeyError for none."""
        if isinstance(where, Channel):
            return where
        if where in self.channels:
            return self.channels[where]
        return _only(where, [room for room in self.channels.values() if room.name == where.removeprefix("#")])

    def find_post(self, post_id: str) -> Post | None:
        return next((room.posts[post_id] for room in self.channels.values() if post_id in room.posts), None)


def _only(name: str, found: list[T]) -> T:
    if not found or not name:
        raise KeyError(f"no {name!r} in this Discord")
    return found[0]
