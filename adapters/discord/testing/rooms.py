"""What happens in channels: messages appear, change and vanish, and every app that may know is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from adapters.discord.testing import payloads
from adapters.discord.testing import permissions as bits
from adapters.discord.testing.directory import Directory
from adapters.discord.testing.payloads import Payloads
from adapters.discord.testing.record import Record
from adapters.discord.testing.text import Allowed, links, named
from adapters.discord.testing.wire import Json
from adapters.discord.testing.world import THREAD_STARTER, App, Channel, Person, Post

TYPING_SECONDS = 10.0
MAX_PREVIEWS = 5


class Teller(Protocol):
    """Brings events to an app's gateway sessions."""

    def tell(self, app: App, event: str, intent: int, build: Callable[[int], Json]) -> None:
        """`build` gets a session's intents; sessions without `intent` (0: none needed) hear nothing."""
        ...


@dataclass(slots=True)
class Rooms:
    """Changes channels and announces each change as Discord does."""

    directory: Directory
    record: Record
    payloads: Payloads
    teller: Teller

    def add(self, post: Post, allowed: Allowed) -> Post:
        """Put a message into its channel. An archived thread wakes up; ephemeral messages are nobody's news."""
        room = post.channel
        if room.archived:
            self.change_thread(room, archived=False)
        self._read(post, allowed)
        post.pings = [person.mention for person in post.mentions if person is not post.author]
        post.pings += [role.mention for role in post.mention_roles] + (["@everyone"] if post.mention_everyone else [])
        post.remember()
        room.posts[post.id] = post
        room.typing.pop(post.author.id, None)
        if room.kind == "thread":
            room.joined |= {post.author.id, *(person.id for person in post.mentions)}
        if post.only_for is None:
            self._announce(post, "MESSAGE_CREATE")
        self.record.changed()
        return post

    def edit(self, post: Post, allowed: Allowed, *, silent: bool = False) -> None:
        """It looks different from now on. Mentions in edits are highlighted but notify nobody."""
        self._read(post, allowed)
        post.edited = post.edited if silent else time.time()
        post.remember()
        if post.only_for is None:
            self._announce(post, "MESSAGE_UPDATE")
        self.record.changed()

    def remove(self, post: Post) -> None:
        post.deleted = True
        if post.only_for is None:
            body: Json = {"id": post.id, "channel_id": post.channel.id, **_guild(post.channel)}
            self.broadcast(post.channel, "MESSAGE_DELETE", _messages(post.channel), lambda _app, _intents: body)
        self.record.changed()

    def typing(self, room: Channel, person: Person, now: float) -> None:
        room.typing[person.id] = now + TYPING_SECONDS
        intent = bits.GUILD_MESSAGE_TYPING if room.guild else bits.DIRECT_MESSAGE_TYPING
        body: Json = {"channel_id": room.id, "user_id": person.id, "timestamp": int(time.time()), **_guild(room)}
        if room.guild is not None:
            body["member"] = payloads.member(person, room.guild, whole=True)
        self.broadcast(room, "TYPING_START", intent, lambda _app, _intents: body)
        self.record.changed()

    def react(self, post: Post, person: Person, emoji: str, *, add: bool) -> None:
        people = post.reactions.setdefault(emoji, [])
        if (person in people) == add:
            return
        people.append(person) if add else people.remove(person)
        room = post.channel
        intent = bits.GUILD_MESSAGE_REACTIONS if room.guild else bits.DIRECT_MESSAGE_REACTIONS
        body: Json = {"user_id": person.id, "channel_id": room.id, "message_id": post.id, "type": 0, "burst": False}
        body |= {"emoji": {"id": None, "name": emoji}, **_guild(room)}
        if add:
            body["message_author_id"] = post.author.id
            if room.guild is not None:
                body["member"] = payloads.member(person, room.guild, whole=True)
        event = "MESSAGE_REACTION_ADD" if add else "MESSAGE_REACTION_REMOVE"
        self.broadcast(room, event, intent, lambda _app, _intents: body)
        self.record.changed()

    def thread(self, parent: Channel, owner: Person, name: str, root: Post | None, auto_archive: int) -> Channel:
        """A new thread; one from a message begins with a system message that refers to it."""
        thread = self.directory.thread(parent, owner, name, root, auto_archive)
        self.broadcast(
            thread, "THREAD_CREATE", bits.GUILDS, lambda app, _: payloads.channel(thread, app) | {"newly_created": True}
        )
        if root is not None:
            self._announce(root, "MESSAGE_UPDATE")
            starter = Post(thread, self.directory.clock.snowflake(), owner, "", kind=THREAD_STARTER)
            starter.reply_to = root.id
            self.add(starter, Allowed(parse=frozenset(), replied_user=False))
        self.record.changed()
        return thread

    def change_thread(
        self, thread: Channel, *, archived: bool | None = None, locked: bool | None = None, name: str = ""
    ) -> None:
        thread.archived = thread.archived if archived is None else archived
        thread.locked = thread.locked if locked is None else locked
        thread.name = name or thread.name
        self.broadcast(thread, "THREAD_UPDATE", bits.GUILDS, lambda app, _: payloads.channel(thread, app))
        self.record.changed()

    def remove_channel(self, room: Channel) -> None:
        self.directory.channels.pop(room.id, None)
        body: Json = {"id": room.id, "type": 11 if room.parent else 0, **_guild(room)}
        body["parent_id"] = room.parent.id if room.parent else None
        event = "THREAD_DELETE" if room.parent else "CHANNEL_DELETE"
        self.broadcast(room, event, bits.GUILDS, lambda app, _: body if room.parent else payloads.channel(room, app))
        self.record.changed()

    def broadcast(self, room: Channel, event: str, intent: int, build: Callable[[App, int], Json]) -> None:
        """Tell every app that sees the channel."""
        for app in self.directory.apps.values():
            if room.allows(app, 0) and not app.revoked:
                self._tell(app, event, intent, build)

    def _tell(self, app: App, event: str, intent: int, build: Callable[[App, int], Json]) -> None:
        self.teller.tell(app, event, intent, lambda intents: build(app, intents))

    def _announce(self, post: Post, event: str) -> None:
        self.broadcast(
            post.channel, event, _messages(post.channel), lambda app, intents: self.payloads.event(post, app, intents)
        )

    def _read(self, post: Post, allowed: Allowed) -> None:
        """Find out whom the text mentions, as far as its sender lets it and may."""
        room, found = post.channel, allowed.narrow(named(post.text))
        may = post.app is None or room.allows(post.app, bits.MENTION_EVERYONE)
        roles = room.guild.roles if room.guild else {}
        post.mentions = [
            person
            for person in (self.directory.people.get(one) for one in found.people)
            if person is not None and room.sees(person)
        ]
        post.mention_roles = [roles[one] for one in found.roles if one in roles and (may or roles[one].mentionable)]
        post.mention_everyone = found.everyone and may and room.guild is not None
        original = room.posts.get(post.reply_to)
        if original is not None and allowed.replied_user and original.author not in post.mentions:
            post.mentions.append(original.author)
        embeds = post.app is None or room.allows(post.app, bits.EMBED_LINKS)
        shut = post.flags & bits.SUPPRESS_EMBEDS or not embeds
        post.previews = [] if shut else links(post.text)[:MAX_PREVIEWS]


def _messages(room: Channel) -> int:
    return bits.GUILD_MESSAGES if room.guild else bits.DIRECT_MESSAGES


def _guild(room: Channel) -> Json:
    return {"guild_id": room.guild.id} if room.guild else {}
