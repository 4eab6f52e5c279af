"""What a loopback Feishu consists of: a tenant's people, apps, chats, messages, cards and files."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal

from adapters.feishu.testing.clock import Clock
from adapters.feishu.testing.wire import Json, mapping, string

ChatKind = Literal["p2p", "group", "topic"]
TENANT = "736588c9260f175d"

SCOPES = frozenset(
    {"im:message", "im:message:send_as_bot", "im:message:update", "im:message:readonly", "im:message:recall"}
    | {"im:message.p2p_msg:readonly", "im:message.group_at_msg:readonly", "im:message.group_msg"}
    | {"im:message.reactions:read", "im:message.reactions:write_only"}
    | {"im:resource", "im:chat:readonly", "im:chat.members:read", "im:chat.members:bot_access"}
    | {"contact:user.base:readonly", "contact:contact.base:readonly", "cardkit:card:write"}
)
EVENTS = frozenset(
    {"im.message.receive_v1", "im.message.recalled_v1", "im.chat.member.bot.added_v1"}
    | {"im.chat.member.bot.deleted_v1", "im.chat.access_event.bot_p2p_chat_entered_v1", "card.action.trigger"}
)


@dataclass(slots=True, eq=False)
class Person:
    """A human. Every app knows them under another open_id: see `Directory.open_id`."""

    name: str
    union_id: str
    user_id: str


@dataclass(slots=True, eq=False)
class App:
    """An app with its bot. Change `scopes`, `events`, `encrypt_key` or `bot_enabled` at any time."""

    id: str
    name: str
    secret: str
    verification_token: str
    encrypt_key: str = ""
    """'' leaves webhooks unencrypted and unsigned."""
    scopes: set[str] = field(default_factory=lambda: set(SCOPES))
    events: set[str] = field(default_factory=lambda: set(EVENTS))
    request_url: str = ""
    """Where events and callbacks are posted; '' means the long connection."""
    token: str = ""
    token_until: float = 0.0
    """In Feishu's seconds."""
    tokens: dict[str, float] = field(default_factory=dict[str, float])
    """Every tenant access token given out, with its end in Feishu's seconds."""
    bot_enabled: bool = True

    @property
    def mention(self) -> str:
        """What typing `@` and choosing the bot puts into a message."""
        return f"@{self.name}"


Speaker = Person | App


@dataclass(slots=True, eq=False)
class Resource:
    """An image or a file, uploaded by an app or sent by a person."""

    key: str
    kind: Literal["image", "file"]
    name: str
    data: bytes
    owner: Speaker
    file_type: str = ""
    """"opus", "mp4", "pdf", …, "stream"; '' for images."""
    duration: int = 0
    """Milliseconds."""


@dataclass(slots=True, eq=False)
class Card:
    """A card: in a message of its own, or as an entity (with an `id`) that CardKit changes."""

    app: App
    json: Json
    clock: Clock
    id: str = ""
    created: float = 0.0
    """In Feishu's seconds, as all times here."""
    sequence: int = 0
    """Of the last operation that was done."""
    uuids: set[str] = field(default_factory=set[str])
    sent: bool = False
    streaming_until: float = 0.0
    """When streaming mode closes by itself; 0 when it was switched off, or an operation was told that it closed."""
    interacting: int = 0
    """Callbacks of people that the app has not answered yet."""
    before_interaction: Json | None = None
    """What it goes back to after a callback if it was changed meanwhile."""
    typewriter: list[bool] = field(default_factory=list[bool])
    """For every text update, whether it continued the old text and so is typed out."""

    @property
    def config(self) -> Json:
        return mapping(self.json.get("config"))

    @property
    def streaming(self) -> bool:
        return self.streaming_until > self.clock.now()

    @property
    def schema(self) -> str:
        return string(self.json.get("schema")) or "1.0"


@dataclass(frozen=True, slots=True)
class Version:
    """A message as it looked from `at` (monotonic seconds) on."""

    at: float
    shown: str


@dataclass(slots=True, eq=False)
class Post:
    """A message. `root_id` and `parent_id` are those of what it answers, '' for none."""

    chat: Chat
    id: str
    author: Speaker
    kind: str
    """"text", "post", "interactive", "image", "file", "audio", …"""
    content: str
    """A JSON string, mentions as `@_user_1`."""
    created: int
    """Unix milliseconds."""
    mentions: list[Speaker] = field(default_factory=list[Speaker])
    """Whom `@_user_1`, `@_user_2`, … stand for."""
    root_id: str = ""
    parent_id: str = ""
    thread_id: str = ""
    card: Card | None = None
    updated: int = 0
    """Unix milliseconds of the last edit, 0 for none."""
    edits: int = 0
    deleted: bool = False
    forwards: list[Post] = field(default_factory=lambda: list[Post]())
    """The messages that it passes on together, if it is one of those ("merge_forward")."""
    uuid: str = ""
    pings: list[str] = field(default_factory=list[str])
    """Who was notified when it appeared or changed: people's and bots' names, "all"."""
    toasts: list[str] = field(default_factory=list[str])
    """What popped up for people who pressed something."""
    reactions: dict[str, tuple[str, Speaker]] = field(default_factory=dict[str, tuple[str, Speaker]])
    """By reaction id: the emoji and who."""
    versions: list[Version] = field(default_factory=list[Version])

    @property
    def at(self) -> float:
        """Monotonic seconds when it appeared."""
        return self.versions[0].at

    @property
    def shown(self) -> str:
        """What a person reads now: see `reading.shown`."""
        return self.versions[-1].shown

    @property
    def streaming(self) -> bool:
        """Whether its card is being generated, and the chat list says so."""
        return self.card is not None and self.card.streaming

    @property
    def preview(self) -> str:
        """What the chat list shows of it: while streaming mode is on, its summary or "[生成中...]"."""
        if self.card is not None and self.card.streaming:
            return string(mapping(self.card.config.get("summary")).get("content")) or "[生成中...]"
        return self.shown

    def notify(self, names: list[str]) -> None:
        """Whom it notifies, each once however often it is changed."""
        self.pings += [name for name in names if name not in self.pings]

    def see(self, shown: str) -> None:
        """From now on it looks like this."""
        if not self.versions or self.versions[-1].shown != shown:
            self.versions.append(Version(time.monotonic(), shown))


@dataclass(slots=True, eq=False)
class Chat:
    """A group, a topic group, or the direct messages between a person and an app."""

    id: str
    name: str
    kind: ChatKind = "group"
    people: set[str] = field(default_factory=set[str])
    """Union ids."""
    apps: set[str] = field(default_factory=set[str])
    muted: bool = False
    """Apps may not speak (230018)."""
    dissolved: bool = False
    posts: dict[str, Post] = field(default_factory=dict[str, Post])

    @property
    def living(self) -> list[Post]:
        """Its messages, oldest first, without recalled ones."""
        return [post for post in self.posts.values() if not post.deleted]

    def thread(self, thread_id: str) -> list[Post]:
        """A thread's living messages with its root, oldest first."""
        return [post for post in self.living if post.thread_id == thread_id]
