"""Who and what exists in a loopback Slack, by id, name and token."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from adapters.slack.testing.world import App, Channel, ChannelKind, Person, SharedFile, Workspace

T = TypeVar("T")


@dataclass(slots=True)
class Directory:
    """Everything that has an id. Ids are the same in every run, tokens are not."""

    workspaces: dict[str, Workspace] = field(default_factory=dict[str, Workspace])
    people: dict[str, Person] = field(default_factory=dict[str, Person])
    channels: dict[str, Channel] = field(default_factory=dict[str, Channel])
    apps: dict[str, App] = field(default_factory=dict[str, App])
    files: dict[str, SharedFile] = field(default_factory=dict[str, SharedFile])
    _count: int = 0

    def id(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}0LOOP{self._count:05d}"

    def workspace(self, name: str) -> Workspace:
        team = Workspace(self.id("T"), name, name.lower().replace(" ", "-"))
        self.workspaces[team.id] = team
        return team

    def person(self, name: str, team: Workspace, *, is_bot: bool = False) -> Person:
        person = Person(self.id("U"), name, team, is_bot=is_bot)
        self.people[person.id] = person
        return person

    def app(self, name: str, team: Workspace) -> App:
        bot = self.person(name, team, is_bot=True)
        app_id, mark = self.id("A"), secrets.token_hex(8)
        app = App(
            id=app_id,
            name=name,
            team=team,
            bot=bot,
            bot_id=self.id("B"),
            bot_token=f"xoxb-{team.id}-{bot.id}-{mark}",
            app_token=f"xapp-1-{app_id}-{mark}",
            signing_secret=secrets.token_hex(16),
            verification_token=secrets.token_hex(12),
        )
        self.apps[app.id] = app
        return app

    def channel(self, name: str, team: Workspace, members: Iterable[Person], kind: ChannelKind = "channel") -> Channel:
        prefix = "D" if kind == "im" else "C"
        channel = Channel(self.id(prefix), name, team, kind, {member.id for member in members})
        self.channels[channel.id] = channel
        return channel

    def direct(self, person: Person, app: App) -> Channel:
        """The direct messages between a person and an app, opened when there are none yet."""
        members = {person.id, app.bot.id}
        for channel in self.channels.values():
            if channel.kind == "im" and channel.members == members:
                return channel
        return self.channel("", app.team, (person, app.bot), "im")

    def by_token(self, token: str) -> App | None:
        return next((app for app in self.apps.values() if token in (app.bot_token, app.app_token)), None)

    def find_person(self, who: Person | str, team: Workspace) -> Person:
        """A person by object, id or name; KeyError for nobody."""
        if isinstance(who, Person):
            return who
        if who in self.people:
            return self.people[who]
        return _only(who, [person for person in self.people.values() if person.team is team and person.name == who])

    def find_channel(self, where: Channel | str, team: Workspace) -> Channel:
        """A channel by object, id or name (with or without #); KeyError for none."""
        if isinstance(where, Channel):
            return where
        if where in self.channels:
            return self.channels[where]
        name = where.removeprefix("#")
        return _only(where, [room for room in self.channels.values() if room.team is team and room.name == name])


def _only(name: str, found: list[T]) -> T:
    if not found or not name:
        raise KeyError(f"no {name!r} in this workspace")
    return found[0]
