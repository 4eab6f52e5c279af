"""What a loopback Slack consists of: workspaces, people, apps, channels, messages and files."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal

from adapters.slack.testing.stream import Stream
from adapters.slack.testing.text import pings, shown
from adapters.slack.testing.wire import Json

ChannelKind = Literal["channel", "group", "im", "mpim"]

SCOPES = frozenset(
    {"app_mentions:read", "assistant:write", "chat:write", "commands", "files:read", "files:write"}
    | {"channels:history", "groups:history", "im:history", "mpim:history"}
    | {"channels:read", "groups:read", "im:read", "mpim:read", "im:write"}
    | {"reactions:read", "reactions:write", "team:read", "users:read"}
)
EVENTS = frozenset(
    {"app_mention", "message.channels", "message.groups", "message.im", "message.mpim", "member_joined_channel"}
    | {"app_home_opened", "assistant_thread_started", "assistant_thread_context_changed", "file_shared"}
)


@dataclass(slots=True, eq=False)
class Workspace:
    """A Slack workspace ("team")."""

    id: str
    name: str
    domain: str


@dataclass(slots=True, eq=False)
class Person:
    """Somebody in a workspace: a human or an app's bot user."""

    id: str
    name: str
    team: Workspace
    is_bot: bool = False
    deactivated: bool = False

    @property
    def mention(self) -> str:
        """What typing `@name` puts into a message."""
        return f"<@{self.id}>"


@dataclass(slots=True, eq=False)
class App:
    """An app installed in one workspace, with its tokens. Change `scopes`, `events` or `revoked` at any time."""

    id: str
    name: str
    team: Workspace
    bot: Person
    bot_id: str
    bot_token: str
    app_token: str
    signing_secret: str
    verification_token: str
    scopes: set[str] = field(default_factory=lambda: set(SCOPES))
    app_scopes: set[str] = field(default_factory=lambda: {"connections:write"})
    events: set[str] = field(default_factory=lambda: set(EVENTS))
    request_url: str = ""
    """Where events, actions and commands are posted; '' means Socket Mode."""
    revoked: bool = False

    @property
    def mention(self) -> str:
        return self.bot.mention


@dataclass(slots=True, eq=False)
class SharedFile:
    """A file in Slack. `external` files lie on another host, whom a bearer token is none of the business."""

    id: str
    name: str
    media_type: str
    data: bytes
    owner: Person
    created: int
    url: str
    channels: set[str] = field(default_factory=set[str])
    title: str = ""
    external: bool = False


@dataclass(frozen=True, slots=True)
class Version:
    """A message as it looked from `at` (monotonic seconds) on."""

    at: float
    text: str
    blocks: tuple[Json, ...] = ()
    live: bool = False
    """A native stream that was running then."""

    @property
    def shown(self) -> str:
        return shown(self.text, self.blocks)


@dataclass(slots=True, eq=False)
class Post:
    """A message. `thread_ts` is its parent's ts, '' for a message in the channel itself."""

    channel: Channel
    ts: str
    author: Person
    text: str
    blocks: list[Json] = field(default_factory=list[Json])
    thread_ts: str = ""
    app: App | None = None
    """The app that posted it; None for people."""
    attachments: list[Json] = field(default_factory=list[Json])
    files: list[SharedFile] = field(default_factory=list[SharedFile])
    metadata: Json | None = None
    subtype: str = ""
    client_msg_id: str = ""
    broadcast: bool = False
    only_for: Person | None = None
    """The one who sees an ephemeral message."""
    edited: str = ""
    """The ts of an edit that shows as "(edited)"."""
    deleted: bool = False
    stream: Stream | None = None
    """The native stream it is, until that is stopped; one that Slack has closed stays here, broken, until an update."""
    reactions: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    versions: list[Version] = field(default_factory=list[Version])

    @property
    def at(self) -> float:
        """Monotonic seconds when it appeared."""
        return self.versions[0].at

    @property
    def shown(self) -> str:
        """What a person reads: the blocks if there are any, with `[labels]` for buttons, else the text."""
        return shown(self.text, self.blocks)

    def shown_to(self, person: Person) -> str:
        """What this person reads: of somebody else's running stream only how it began."""
        stream = self.stream
        if stream is None or stream.recipient in ("", person.id) or stream.first is None:
            return self.shown
        return stream.first

    @property
    def pings(self) -> list[str]:
        """Who gets a notification: `<@U…>`, `<!channel>` and their like, as written."""
        return pings(self.text, self.blocks)

    def change(self, text: str, blocks: list[Json]) -> None:
        """Show something else from now on."""
        self.text, self.blocks = text, blocks
        self.versions.append(Version(time.monotonic(), text, tuple(blocks), self.stream is not None))


@dataclass(slots=True, eq=False)
class Channel:
    """A channel, private channel or direct message."""

    id: str
    name: str
    team: Workspace
    kind: ChannelKind = "channel"
    members: set[str] = field(default_factory=set[str])
    archived: bool = False
    read_only: bool = False
    """Apps may not post ("restricted_action")."""
    created: int = field(default_factory=lambda: int(time.time()))
    posts: dict[str, Post] = field(default_factory=dict[str, Post])

    def replies(self, ts: str) -> list[Post]:
        """The living, public replies of a thread, oldest first."""
        return [post for post in self.posts.values() if post.thread_ts == ts and not post.deleted and not post.only_for]
