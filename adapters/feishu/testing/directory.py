"""Who and what there is, and finding it by object, id or name."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from adapters.feishu.testing.clock import Clock
from adapters.feishu.testing.world import App, Card, Chat, ChatKind, Person, Post, Resource, Speaker

T = TypeVar("T")


@dataclass(slots=True)
class Directory:
    """Everything, by id."""

    clock: Clock
    people: dict[str, Person] = field(default_factory=dict[str, Person])
    """By union id."""
    apps: dict[str, App] = field(default_factory=dict[str, App])
    chats: dict[str, Chat] = field(default_factory=dict[str, Chat])
    cards: dict[str, Card] = field(default_factory=dict[str, Card])
    resources: dict[str, Resource] = field(default_factory=dict[str, Resource])

    def person(self, name: str) -> Person:
        person = Person(name, f"on_{secrets.token_hex(16)}", secrets.token_hex(4))
        self.people[person.union_id] = person
        return person

    def app(self, name: str) -> App:
        app = App(f"cli_{secrets.token_hex(8)}", name, secrets.token_urlsafe(24), secrets.token_urlsafe(24))
        self.apps[app.id] = app
        return app

    def chat(self, name: str, members: Sequence[Speaker], kind: ChatKind = "group") -> Chat:
        chat = Chat(f"oc_{secrets.token_hex(16)}", name, kind)
        chat.people = {member.union_id for member in members if isinstance(member, Person)}
        chat.apps = {member.id for member in members if isinstance(member, App)}
        self.chats[chat.id] = chat
        return chat

    def direct(self, person: Person, app: App) -> Chat:
        """The direct messages between a person and an app, opened when there are none yet."""
        for chat in self.chats.values():
            if chat.kind == "p2p" and chat.people == {person.union_id} and chat.apps == {app.id}:
                return chat
        return self.chat("", [person, app], "p2p")

    def open_id(self, app: App, who: Speaker) -> str:
        """The id under which that app knows a person or a bot; another app's is of no use to it."""
        mark = who.union_id if isinstance(who, Person) else who.id
        return f"ou_{hashlib.sha256(f'{app.id}/{mark}'.encode()).hexdigest()[:32]}"

    def by_open_id(self, app: App, open_id: str) -> Speaker | None:
        everybody: list[Speaker] = [*self.people.values(), *self.apps.values()]
        return next((who for who in everybody if self.open_id(app, who) == open_id), None)

    def foreign(self, app: App, open_id: str) -> bool:
        """Whether it is an open_id that another app knows somebody by."""
        return any(self.by_open_id(other, open_id) for other in self.apps.values() if other is not app)

    def by_user_id(self, user_id: str) -> Person | None:
        return next((person for person in self.people.values() if person.user_id == user_id), None)

    def by_token(self, token: str) -> App | None:
        """The app whose living tenant access token this is."""
        return next((app for app in self.apps.values() if app.tokens.get(token, 0.0) > self.clock.now()), None)

    def find_person(self, who: Person | str) -> Person:
        """A person by object, union id or name; KeyError for nobody."""
        if isinstance(who, Person):
            return who
        if who in self.people:
            return self.people[who]
        return _only(who, [person for person in self.people.values() if person.name == who])

    def find_chat(self, where: Chat | str) -> Chat:
        """A chat by object, id or name; KeyError for none."""
        if isinstance(where, Chat):
            return where
        if where in self.chats:
            return self.chats[where]
        return _only(where, [chat for chat in self.chats.values() if chat.name == where])

    def find_post(self, message_id: str) -> Post | None:
        return next((chat.posts[message_id] for chat in self.chats.values() if message_id in chat.posts), None)

    def find_thread(self, thread_id: str) -> Chat | None:
        for chat in self.chats.values():
            if any(post.thread_id == thread_id for post in chat.posts.values()):
                return chat
        return None

    def posts_of(self, card: Card) -> list[Post]:
        """The messages that show a card."""
        return [post for chat in self.chats.values() for post in chat.posts.values() if post.card is card]

    def members(self, chat: Chat) -> list[Speaker]:
        people: list[Speaker] = [person for mark, person in self.people.items() if mark in chat.people]
        return people + [app for mark, app in self.apps.items() if mark in chat.apps]


def _only(name: str, found: list[T]) -> T:
    if not found or not name:
        raise KeyError(f"no {name!r} in this Feishu")
    return found[0]
