"""What people do in Slack: write, edit, delete, press buttons, type commands, join."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.slack.testing import events
from adapters.slack.testing.delivery import Delivery, DeliveryKind
from adapters.slack.testing.desk import Desk
from adapters.slack.testing.site import ResponseLink, Site
from adapters.slack.testing.text import rich_text, typed
from adapters.slack.testing.wire import Json, is_mapping, mapping, mappings, string
from adapters.slack.testing.world import App, Channel, Person, Post, SharedFile

GivenFile = SharedFile | tuple[str, bytes, str]
"""A file to send: name, bytes, media type."""


@dataclass(slots=True, eq=False)
class People:
    """Acts for people. Raises ValueError for what Slack's own client would not let them do."""

    site: Site
    desk: Desk

    def say(
        self, person: Person, channel: Channel, text: str, thread_ts: str = "", files: Sequence[GivenFile] = ()
    ) -> Post:
        if channel.archived or person.id not in channel.members:
            raise ValueError(f"{person.name} cannot write in {channel.name or channel.id}")
        kept = typed(text)
        post = Post(channel, self.site.clock.ts(), person, kept, thread_ts=thread_ts, client_msg_id=str(uuid.uuid4()))
        post.blocks = [rich_text(kept, secrets.token_urlsafe(4))] if kept else []
        post.files = [self._file(person, file) for file in files]
        if files:
            post.subtype, post.client_msg_id = "file_share", ""
        return self.site.rooms.add(post)

    def edit(self, post: Post, text: str) -> None:
        kept = typed(text)
        self.site.rooms.edit(post, kept, [rich_text(kept, secrets.token_urlsafe(4))], marked=True)

    def join(self, person: Person, channel: Channel) -> None:
        """Two events: the membership, and the line in the channel."""
        channel.members.add(person.id)
        ts = self.site.clock.ts()
        joined: Json = {"type": "member_joined_channel", "user": person.id, "channel": channel.id}
        joined |= {"channel_type": "C", "team": person.team.id, "event_ts": ts}
        self.site.rooms.broadcast(channel, "member_joined_channel", joined)
        words = f"{person.mention} has joined the channel"
        self.site.rooms.add(Post(channel, ts, person, words, subtype="channel_join"))

    def open_home(self, person: Person, app: App) -> None:
        channel = self.site.directory.direct(person, app)
        event: Json = {"type": "app_home_opened", "user": person.id, "channel": channel.id, "tab": "messages"}
        self.site.rooms.broadcast(channel, "app_home_opened", event | {"event_ts": self.site.clock.ts()})

    def open_assistant(self, person: Person, app: App, context: Channel | None) -> Post:
        """The split view: a thread in the direct messages, begun by Slack in the app's name."""
        channel = self.site.directory.direct(person, app)
        root = Post(channel, self.site.clock.ts(), app.bot, "New Assistant Thread", app=app)
        root.subtype = "assistant_app_thread"
        root.change(root.text, [])
        channel.posts[root.ts] = root
        seen: Json = {"channel_id": context.id, "team_id": context.team.id} if context else {}
        thread: Json = {"user_id": person.id, "context": seen, "channel_id": channel.id, "thread_ts": root.ts}
        event: Json = {"type": "assistant_thread_started", "assistant_thread": thread, "event_ts": root.ts}
        self.site.rooms.broadcast(channel, "assistant_thread_started", event)
        return root

    async def press(self, person: Person, post: Post, wanted: str) -> Delivery:
        """Press the button with that action id or label; returns once the app has answered or it is too late."""
        if post.app is None or post.deleted or (post.only_for not in (None, person)):
            raise ValueError("there is no such button to press")
        block, button = _button(post, wanted)
        action: Json = {name: button[name] for name in ("action_id", "text", "value", "style") if name in button}
        action |= {"block_id": block.get("block_id"), "type": "button", "action_ts": f"{time.time():.6f}"}
        links = self.site.interaction(post.app, person, post.channel, post)
        payload = events.pressed(post.app, person, post, action, events.message(post), links)
        return await self._interact(Delivery(post.app, "interactive", payload))

    async def command(self, person: Person, channel: Channel, app: App, command: str, text: str) -> Delivery:
        """Type a slash command; what the app sends with its acknowledgement is shown."""
        links = self.site.interaction(app, person, channel, None)
        delivery = await self._interact(
            Delivery(app, "slash_commands", events.slash(app, person, channel, command, typed(text), links))
        )
        shown = delivery.response
        body: Json = shown if is_mapping(shown) else {"text": string(shown)}
        if body.get("text") or body.get("blocks"):
            self.desk.show(ResponseLink(app, person, channel, None, self.site.clock.now()), body)
        return delivery

    async def _interact(self, delivery: Delivery) -> Delivery:
        self.site.courier.send(delivery)
        patience = self.site.sockets.ack_seconds + 2.0
        await self.site.record.until(lambda: delivery.finished, patience)
        return delivery

    def _file(self, person: Person, given: GivenFile) -> SharedFile:
        if isinstance(given, SharedFile):
            return given
        name, data, media_type = given
        return self.site.file(person, name, data, media_type)


def _button(post: Post, wanted: str) -> tuple[Json, Json]:
    labels: list[str] = []
    for block in post.blocks:
        for element in (*mappings(block.get("elements")), mapping(block.get("accessory"))):
            label = string(mapping(element.get("text")).get("text"))
            if element.get("type") == "button":
                if wanted in (element.get("action_id"), label):
                    return block, element
                labels.append(label)
    raise ValueError(f"no button {wanted!r}; there are: {', '.join(labels) or 'none'}")


def event_of(app: App, event: Json) -> Delivery:
    """An event as it travels to an app, with an id of its own."""
    kind: DeliveryKind = "events_api"
    return Delivery(app, kind, events.callback(app, event, f"Ev{secrets.token_hex(5).upper()}", int(time.time())))
