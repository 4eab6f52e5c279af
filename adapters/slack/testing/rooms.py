"""What happens in channels: messages appear, change and vanish, and every app that may know is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from adapters.slack.testing import events
from adapters.slack.testing.clock import Clock
from adapters.slack.testing.directory import Directory
from adapters.slack.testing.record import Record
from adapters.slack.testing.wire import Json
from adapters.slack.testing.world import App, Channel, Post

_SCOPE_OF = {
    "assistant_thread_started": "assistant:write",
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "file_shared": "files:read",
    "member_joined_channel": "channels:read",
}


@dataclass(slots=True)
class Rooms:
    """Changes channels and announces each change exactly as Slack does."""

    directory: Directory
    clock: Clock
    record: Record
    tell: Callable[[App, Json], None]
    """Deliver an event to an app."""

    def add(self, post: Post) -> Post:
        """Put a message into its channel; ephemeral ones are nobody's news."""
        post.change(post.text, post.blocks)
        post.channel.posts[post.ts] = post
        for file in post.files:
            file.channels.add(post.channel.id)
        if post.only_for is None:
            self.announce(post)
        self.record.changed()
        return post

    def announce(self, post: Post) -> None:
        """The events of a new message: a mention arrives twice, with one ts and two event ids."""
        channel = post.channel
        for app in self.directory.apps.values():
            mentioned = app.mention in post.text or f"<@{app.bot.id}|" in post.text
            if mentioned and channel.kind != "im" and post.app is not app:
                self._tell(app, "app_mention", channel, events.mention_event(post))
        body = events.in_channel(post, events.message(post))
        self.broadcast(channel, events.SUBSCRIPTION[channel.kind], body)
        for file in post.files:
            shared: Json = {"type": "file_shared", "file_id": file.id, "user_id": post.author.id}
            shared |= {"file": {"id": file.id}, "channel_id": channel.id, "event_ts": post.ts}
            self.broadcast(channel, "file_shared", shared)

    def edit(self, post: Post, text: str, blocks: list[Json], *, marked: bool) -> None:
        """Change a message; `marked` shows "(edited)". Apps are told of their own edits too."""
        before = events.message(post)
        ts = self.clock.ts()
        post.change(text, blocks)
        post.edited = ts if marked else post.edited
        after = events.message(post)
        self.broadcast(
            post.channel, events.SUBSCRIPTION[post.channel.kind], events.changed_event(post, before, after, ts)
        )
        self.record.changed()

    def remove(self, post: Post) -> None:
        """Delete a message. One that has replies leaves a tombstone, which Slack announces as a change."""
        before = events.message(post)
        ts = self.clock.ts()
        if post.channel.replies(post.ts):
            post.subtype = "tombstone"
            post.change("This message was deleted.", [])
            after = events.message(post) | {"hidden": True, "user": "USLACKBOT"}
            event = events.changed_event(post, before, after, ts)
        else:
            post.deleted = True
            event = events.deleted_event(post, before, ts)
        if post.only_for is None:
            self.broadcast(post.channel, events.SUBSCRIPTION[post.channel.kind], event)
        self.record.changed()

    def unfurl(self, post: Post, attachment: Json) -> None:
        """Slack adds a preview to a link: a change of the message that changes none of its words."""
        before = events.message(post)
        post.attachments.append(attachment)
        changed = events.changed_event(post, before, events.message(post), self.clock.ts())
        self.broadcast(post.channel, events.SUBSCRIPTION[post.channel.kind], changed)

    def broadcast(self, channel: Channel, subscription: str, event: Json) -> None:
        """Tell every app in the channel that subscribed."""
        for app in self.directory.apps.values():
            self._tell(app, subscription, channel, event)

    def _tell(self, app: App, subscription: str, channel: Channel, event: Json) -> None:
        if app.team is not channel.team or app.revoked or app.bot.id not in channel.members:
            return
        scope = _SCOPE_OF.get(subscription)
        if subscription in app.events and (scope is None or scope in app.scopes):
            self.tell(app, event)
