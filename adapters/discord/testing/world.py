"""What a loopback Discord consists of: guilds, people, apps, channels, threads, messages and attachments."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal

from adapters.discord.testing.components import labels
from adapters.discord.testing.permissions import EVERYTHING_USUAL, MESSAGE_CONTENT, VIEW_CHANNEL
from adapters.discord.testing.wire import Json, string

ChannelKind = Literal["text", "thread", "dm"]
DEFAULT, REPLY, COMMAND, THREAD_STARTER = 0, 19, 20, 21
"""Kinds of messages. https://docs.discord.com/developers/resources/message#message-object-message-types"""


@dataclass(slots=True, eq=False)
class Person:
    """A Discord account: a human, or an app's bot user."""

    id: str
    name: str
    is_bot: bool = False
    nick: str = ""
    closed: bool = False
    """Takes no direct messages ("Cannot send messages to this user")."""

    @property
    def mention(self) -> str:
        """What typing `@name` puts into a message."""
        return f"<@{self.id}>"


@dataclass(slots=True, eq=False)
class Role:
    """A role people may be pinged by."""

    id: str
    name: str
    permissions: int = 0
    mentionable: bool = False

    @property
    def mention(self) -> str:
        return f"<@&{self.id}>"


@dataclass(slots=True, eq=False)
class App:
    """An app with its bot. Change `permissions`, `privileged` or `revoked` at any time."""

    id: str
    name: str
    bot: Person
    token: str
    privileged: int = MESSAGE_CONTENT
    """Privileged intents switched on in the developer portal."""
    permissions: int = EVERYTHING_USUAL
    """What its role allows in every guild."""
    revoked: bool = False
    commands: dict[str, list[Json]] = field(default_factory=dict[str, list[Json]])
    """Slash commands by guild id, '' for the global ones."""
    created: int = 0
    """Commands created today."""

    @property
    def mention(self) -> str:
        return self.bot.mention


@dataclass(slots=True, eq=False)
class Guild:
    """A Discord server."""

    id: str
    name: str
    owner: Person
    people: dict[str, Person] = field(default_factory=dict[str, Person])
    roles: dict[str, Role] = field(default_factory=dict[str, Role])


@dataclass(slots=True, eq=False)
class Attachment:
    """A file on a message."""

    id: str
    name: str
    media_type: str
    data: bytes
    channel: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """A message as it looked from `at` (monotonic seconds) on."""

    at: float
    text: str
    components: tuple[Json, ...] = ()


@dataclass(slots=True, eq=False)
class Post:
    """A message."""

    channel: Channel
    id: str
    author: Person
    text: str
    kind: int = DEFAULT
    app: App | None = None
    """The app that sent it; None for people."""
    embeds: list[Json] = field(default_factory=list[Json])
    components: list[Json] = field(default_factory=list[Json])
    attachments: list[Attachment] = field(default_factory=list[Attachment])
    flags: int = 0
    nonce: str | int | None = None
    reply_to: str = ""
    """The id of the message it answers; that message may be gone."""
    mentions: list[Person] = field(default_factory=list[Person])
    """Who is highlighted in it now."""
    mention_roles: list[Role] = field(default_factory=list[Role])
    mention_everyone: bool = False
    pings: list[str] = field(default_factory=list[str])
    """Who was notified when it appeared: people's and roles' mentions, '@everyone'."""
    previews: list[str] = field(default_factory=list[str])
    """Links that Discord fetched and unfolded under it."""
    only_for: Person | None = None
    """The one who sees an ephemeral message."""
    interaction: Json | None = None
    edited: float = 0.0
    """Unix seconds of the last edit, 0 for none."""
    deleted: bool = False
    thread: Channel | None = None
    reactions: dict[str, list[Person]] = field(default_factory=dict[str, list[Person]])
    versions: list[Version] = field(default_factory=list[Version])

    @property
    def at(self) -> float:
        """Monotonic seconds when it appeared."""
        return self.versions[0].at

    @property
    def shown(self) -> str:
        """What a person reads: text, embeds, `[labels]` of buttons and menus, names of files."""
        parts = [self.text]
        for embed in self.embeds:
            parts += [string(embed.get("title")), string(embed.get("description"))]
        parts += [f"[{label}]" for label in labels(self.components)]
        parts += [f"({attachment.name})" for attachment in self.attachments]
        return "\n".join(part for part in parts if part)

    @property
    def ephemeral(self) -> bool:
        return self.only_for is not None

    def remember(self) -> None:
        """From now on it looks as it does now."""
        self.versions.append(Version(time.monotonic(), self.text, tuple(self.components)))


@dataclass(slots=True, eq=False)
class Channel:
    """A text channel, a thread or direct messages."""

    id: str
    name: str
    guild: Guild | None
    kind: ChannelKind = "text"
    members: set[str] | None = None
    """Who sees it; None for everybody in the guild."""
    denied: int = 0
    """Permissions that apps lack here."""
    partner: Person | None = None
    """The other one in direct messages with an app."""
    parent: Channel | None = None
    owner: Person | None = None
    """Who made the thread."""
    archived: bool = False
    locked: bool = False
    auto_archive: int = 1440
    """Minutes."""
    joined: set[str] = field(default_factory=set[str])
    """Who is in the thread."""
    typing: dict[str, float] = field(default_factory=dict[str, float])
    """Who types, until when in Discord's seconds."""
    posts: dict[str, Post] = field(default_factory=dict[str, Post])

    @property
    def root(self) -> Channel:
        """The channel whose permissions hold: a thread's parent, else itself."""
        return self.parent or self

    @property
    def living(self) -> list[Post]:
        """Its messages, oldest first, without deleted and ephemeral ones."""
        return [post for post in self.posts.values() if not post.deleted and post.only_for is None]

    def sees(self, person: Person) -> bool:
        """Whether a person is let in at all."""
        room = self.root
        if room.guild is not None and person.id not in room.guild.people:
            return False
        return room.members is None or person.id in room.members

    def allows(self, app: App, permission: int) -> bool:
        """Whether an app may do that here; direct messages know no permissions."""
        if not self.sees(app.bot):
            return False
        if self.guild is None:
            return True
        granted = app.permissions & ~self.root.denied & ~self.denied
        return bool(granted & VIEW_CHANNEL) and granted & permission == permission
