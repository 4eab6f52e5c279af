"""What happens in chats: messages appear, change and vanish, and every app that may know is told."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from adapters.feishu.testing import events
from adapters.feishu.testing.clock import Clock
from adapters.feishu.testing.content import Draft
from adapters.feishu.testing.directory import Directory
from adapters.feishu.testing.reading import pings, shown
from adapters.feishu.testing.record import Record
from adapters.feishu.testing.wire import Json
from adapters.feishu.testing.world import App, Card, Chat, Person, Post, Speaker

_RECALL_SCOPES = frozenset({"im:message", "im:message:readonly", "im:message.group_msg", "im:message.p2p_msg:readonly"})


@dataclass(slots=True)
class Rooms:
    """Changes chats and announces what Feishu announces. People's edits it announces to nobody."""

    directory: Directory
    clock: Clock
    record: Record
    tell: Callable[[App, str, Json], object]
    """Deliver an event to an app."""

    def add(
        self, chat: Chat, author: Speaker, draft: Draft, answers: Post | None = None, *, threaded: bool = False
    ) -> Post:
        """Put a message into a chat. `threaded` answers in the thread of `answers`, which is begun if there is none."""
        post = Post(chat, f"om_{secrets.token_hex(16)}", author, draft.kind, draft.content, self.clock.stamp())
        post.mentions, post.card, post.pings = draft.mentions, draft.card, list(draft.pings)
        if draft.card is not None:
            draft.card.sent = True
        if answers is not None:
            self._relate(post, answers, threaded=threaded)
        elif chat.kind == "topic":
            post.thread_id = _thread()
        post.see(shown(self.directory, post))
        chat.posts[post.id] = post
        self._announce(post)
        self.record.changed()
        return post

    def _relate(self, post: Post, answers: Post, *, threaded: bool) -> None:
        root = post.chat.posts.get(answers.root_id, answers)
        if threaded and not answers.thread_id:
            # A thread hangs on the message answered, even when that one was itself an ordinary reply.
            root, answers.thread_id = answers, _thread()
        post.root_id = root.id
        post.parent_id = root.id if answers.thread_id else answers.id
        post.thread_id = answers.thread_id

    def _announce(self, post: Post) -> None:
        if isinstance(post.author, App):
            return
        for app in self._listeners(post.chat, "im.message.receive_v1"):
            if app.scopes & _receive_scopes(post, app):
                self.tell(app, "im.message.receive_v1", events.received(self.directory, app, post))

    def change(self, post: Post, draft: Draft) -> None:
        """Other words or another card in the same message."""
        post.content, post.mentions = draft.content, draft.mentions
        post.notify(draft.pings)
        if draft.card is not None and post.card is not None:
            post.card.json = draft.card.json
        self.look(post)

    def look(self, post: Post) -> None:
        """Something about it changed: see it anew."""
        post.see(shown(self.directory, post))
        self.record.changed()

    def redraw(self, card: Card) -> None:
        """A card changed, wherever it is shown. Whom it names now and did not before is notified."""
        for post in self.directory.posts_of(card):
            post.notify(pings(self.directory, card.app, "interactive", card.json))
            self.look(post)

    def recall(self, post: Post, by: str = "message_owner") -> None:
        post.deleted = True
        for app in self._listeners(post.chat, "im.message.recalled_v1"):
            if app.scopes & _RECALL_SCOPES:
                self.tell(app, "im.message.recalled_v1", events.recalled(post, self.clock.stamp(), by))
        self.record.changed()

    def enter(self, chat: Chat, app: App, by: Person) -> None:
        """A bot is added to a group."""
        chat.apps.add(app.id)
        self._moved(app, "im.chat.member.bot.added_v1", chat, by)

    def leave(self, chat: Chat, app: App, by: Person) -> None:
        """A bot is removed from a group."""
        chat.apps.discard(app.id)
        self._moved(app, "im.chat.member.bot.deleted_v1", chat, by)

    def _moved(self, app: App, kind: str, chat: Chat, by: Person) -> None:
        if kind in app.events:
            self.tell(app, kind, events.bot_moved(self.directory, app, chat, by))
        self.record.changed()

    def _listeners(self, chat: Chat, kind: str) -> list[App]:
        apps = [app for app in self.directory.apps.values() if app.id in chat.apps]
        return [app for app in apps if kind in app.events and app.bot_enabled]


def _receive_scopes(post: Post, app: App) -> set[str]:
    if post.chat.kind == "p2p":
        return {"im:message.p2p_msg", "im:message.p2p_msg:readonly"}
    everything = {"im:message.group_msg"}
    return (
        everything | {"im:message.group_at_msg", "im:message.group_at_msg:readonly"}
        if app in post.mentions
        else everything
    )


def _thread() -> str:
    return f"omt_{secrets.token_hex(8)}"
