"""The strict loopback Discord: a guild in this process that real Discord clients talk to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TypeVar

from adapters.discord.testing.building import Building, Timing, opened
from adapters.discord.testing.clock import Clock
from adapters.discord.testing.directory import Directory
from adapters.discord.testing.faults import Fault, Faults, Trouble
from adapters.discord.testing.front import PREFIX
from adapters.discord.testing.interactions import Interaction
from adapters.discord.testing.people import GivenAttachment
from adapters.discord.testing.record import ApiCall, Record, Sent, Violation
from adapters.discord.testing.world import App, Channel, Guild, Person, Post, Role

T = TypeVar("T")
WITHIN = 5.0
"""Seconds a wait may take unless told otherwise."""


class LoopbackDiscord:
    """`async with LoopbackDiscord() as discord`: the guild `guild` with the app `app`, alice, bob and carol.

    Channels: general and random (everybody), secret (alice and the app), hidden (carol only), readonly (the app may
    not write). `speed` quickens budgets and lifetimes; `ack_seconds` is the time for a first response to an
    interaction, `heartbeat_seconds` the interval between heartbeats, both real. `identify_seconds` (Discord has 5) is
    the time between two new sessions. `limits=False` switches rate limits off. People and channels may be given by
    object, id or name.
    """

    guild: Guild
    app: App

    def __init__(
        self,
        *,
        speed: float = 1.0,
        ack_seconds: float = 3.0,
        heartbeat_seconds: float = 41.25,
        identify_seconds: float = 0.0,
        limits: bool = True,
    ) -> None:
        self._clock = Clock(speed)
        self.directory, self.record, self.faults = Directory(self._clock), Record(), Faults()
        timing = Timing(speed, ack_seconds, heartbeat_seconds, identify_seconds, limits)
        self._building: Building | None = None
        self._opening = opened(self._clock, self.directory, self.record, self.faults, timing)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> LoopbackDiscord:
        self._building = await self._stack.enter_async_context(self._opening)
        everybody = [self.person(name) for name in ("alice", "bob", "carol")]
        self.guild = self.directory.guild("Acme", everybody[0])
        self.guild.people |= {person.id: person for person in everybody}
        self.app = self.install("claude")
        self.channel("general")
        self.channel("random")
        self.channel("secret", everybody[0], self.app)
        self.channel("hidden", everybody[2])
        self.channel("readonly").denied = 1 << 11 | 1 << 38
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    @property
    def inside(self) -> Building:
        if self._building is None:
            raise RuntimeError("use `async with LoopbackDiscord()`")
        return self._building

    @property
    def url(self) -> str:
        """The REST API's base, for `discord.http.Route.BASE`."""
        return self.inside.site.origin + PREFIX

    @property
    def gateway_url(self) -> str:
        """For `discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY`."""
        return self.inside.site.gateway_url

    @property
    def token(self) -> str:
        return self.app.token

    def install(self, name: str) -> App:
        """An app with a token of its own, let into the guild."""
        app = self.directory.app(name)
        self.directory.install(app, self.guild)
        return app

    def person(self, name: str) -> Person:
        """The person of that name, who comes into being (and into the guild) when first asked for."""
        try:
            return self.directory.find_person(name)
        except KeyError:
            person = self.directory.person(name)
            if self.directory.guilds:
                self.guild.people[person.id] = person
            return person

    def role(self, name: str, *, mentionable: bool = True) -> Role:
        """A role of that name in the guild."""
        for role in self.guild.roles.values():
            if role.name == name:
                return role
        role = Role(self._clock.snowflake(), name, mentionable=mentionable)
        self.guild.roles[role.id] = role
        return role

    def channel(self, name: str, *members: Person | App) -> Channel:
        """The channel of that name; made if there is none, for these members or for everybody."""
        try:
            return self.directory.find_channel(name)
        except KeyError:
            people = [member.bot if isinstance(member, App) else member for member in members]
            return self.directory.channel(name, self.guild, people or None)

    def dm(self, person: Person | str, app: App | None = None) -> Channel:
        """The direct messages between a person and the app."""
        return self.directory.direct(self.directory.find_person(person), app or self.app)

    def threads(self, channel: Channel | str) -> list[Channel]:
        return self.directory.threads(self.directory.find_channel(channel))

    async def say(
        self,
        person: Person | str,
        channel: Channel | str,
        text: str,
        reply: Post | None = None,
        files: Sequence[GivenAttachment] = (),
        *,
        ping: bool = True,
    ) -> Post:
        """Write a message; its events are on their way when this returns. `app.mention` addresses the app.

        A thread is a channel. `reply` answers a message; `ping=False` without notifying its author.
        """
        who, where = self._both(person, channel)
        return self.inside.people.say(who, where, text, reply, files, ping=ping)

    async def edit(self, post: Post, text: str) -> None:
        self.inside.people.edit(post, text)

    async def delete(self, post: Post) -> None:
        self.inside.site.rooms.remove(post)

    async def unfold(self, post: Post, url: str = "https://example.com/") -> None:
        """Discord adds a link's preview: MESSAGE_UPDATE without a changed word."""
        self.inside.people.unfold(post, url)

    async def react(self, person: Person | str, post: Post, emoji: str) -> None:
        self.inside.site.rooms.react(post, self.directory.find_person(person), emoji, add=True)

    async def typing(self, person: Person | str, channel: Channel | str) -> None:
        """A person begins to write."""
        who, where = self._both(person, channel)
        self.inside.site.rooms.typing(where, who, self._clock.now())

    async def thread(
        self, person: Person | str, channel: Channel | str, name: str, root: Post | None = None
    ) -> Channel:
        """Start a thread, from a message or without one."""
        who, where = self._both(person, channel)
        return self.inside.people.thread(who, where, name, root)

    async def archive(self, thread: Channel, *, locked: bool = False) -> None:
        self.inside.site.rooms.change_thread(thread, archived=True, locked=locked)

    async def remove_channel(self, channel: Channel | str) -> None:
        self.inside.site.rooms.remove_channel(self.directory.find_channel(channel))

    async def press(self, person: Person | str, post: Post, wanted: str) -> Interaction:
        """Press the button with that custom id or label, and see it answered or failing."""
        return await self.inside.people.press(self.directory.find_person(person), post, wanted)

    async def select(self, person: Person | str, post: Post, wanted: str, *values: str) -> Interaction:
        """Choose options in the menu with that custom id or placeholder."""
        return await self.inside.people.select(self.directory.find_person(person), post, wanted, values)

    async def command(
        self,
        person: Person | str,
        channel: Channel | str,
        name: str,
        app: App | None = None,
        **options: str | int | bool,
    ) -> Interaction:
        """Use a slash command that the app has registered."""
        who, where = self._both(person, channel)
        return await self.inside.people.command(who, where, app or self.app, name, options)

    async def submit(self, interaction: Interaction, **values: str) -> Interaction:
        """Fill in the modal with which the app answered."""
        return await self.inside.people.submit(interaction, values)

    async def reconnect(self, app: App | None = None) -> None:
        """Opcode 7: every connection is asked to come back and resume."""
        for link in self.inside.site.gateway.of(app or self.app):
            link.send({"op": 7, "d": None})

    async def invalidate(self, *, resumable: bool = False, app: App | None = None) -> None:
        """Opcode 9: sessions are invalid; those not resumable are forgotten."""
        links = self.inside.site.gateway.of(app or self.app)
        if not resumable:
            self.inside.site.sessions.drop(app or self.app)
        for link in links:
            link.send({"op": 9, "d": resumable})

    async def close(self, code: int = 4000, app: App | None = None) -> None:
        """Close connections with a code."""
        await self.inside.site.gateway.end(app or self.app, code)

    async def cut(self, app: App | None = None) -> None:
        """Break connections without a word; sessions can be resumed."""
        self.inside.site.gateway.cut(app or self.app)

    async def freeze(self, app: App | None = None) -> None:
        """Connections turn into zombies: open, but no event comes and no heartbeat is acknowledged."""
        for link in self.inside.site.gateway.of(app or self.app):
            link.frozen = True

    async def forget(self, app: App | None = None) -> None:
        """Sessions run out, so that resuming fails; connections stay."""
        self.inside.site.sessions.drop(app or self.app)

    def refuse(self, *, refusing: bool = True) -> None:
        """Take no new gateway connections (HTTP 503)."""
        self.inside.site.gateway.refusing = refusing

    def connections(self, app: App | None = None) -> int:
        """How many connections of the app are open and identified."""
        return len(self.inside.site.gateway.of(app or self.app))

    async def connected(self, count: int = 1, app: App | None = None, within: float = WITHIN) -> None:
        await self.until(lambda: self.connections(app) >= count, within)

    def fault(
        self,
        route: str,
        kind: Trouble,
        times: int = 1,
        *,
        skip: int = 0,
        code: int = 0,
        status: int = 503,
        retry_after: float = 0.2,
        where: Callable[[Mapping[str, object]], bool] | None = None,
    ) -> Fault:
        """Script trouble for the next `times` calls of a route ("*": any), after `skip` of them.

        `where` sees the call's arguments (for `events`, the event's data with its name as `t`; for `download`, the
        file's name).
        """
        fault = Fault(route, kind, times, skip, code, status, retry_after, where)
        self.faults.waiting.append(fault)
        return fault

    def messages(self, channel: Channel | str) -> list[Post]:
        """What stands in a channel or thread, ephemeral messages too, deleted ones not. Oldest first."""
        return [post for post in self.directory.find_channel(channel).posts.values() if not post.deleted]

    def shows_typing(self, channel: Channel | str, person: Person | None = None) -> bool:
        """Whether "claude is typing…" is to be read there."""
        room = self.directory.find_channel(channel)
        return room.typing.get((person or self.app.bot).id, 0.0) > self._clock.now()

    async def until(self, predicate: Callable[[], T], within: float = WITHIN) -> T:
        """The predicate's first truthy value, asked again at each change. TimeoutError says what was seen instead."""
        return await self.record.until(predicate, within)

    async def settled(self, within: float = WITHIN) -> None:
        """Every event is on its way, every interaction answered or failed, no call under way but those left hanging."""
        site = self.inside.site
        await self.until(
            lambda: not site.interactions.pending and all(call.done or call.fault for call in self.calls), within
        )
        for link in list(site.gateway.links):
            await link.drained()

    @property
    def calls(self) -> list[ApiCall]:
        return self.record.calls

    @property
    def events(self) -> list[Sent]:
        return self.record.events

    @property
    def interactions(self) -> list[Interaction]:
        return self.inside.site.interactions.every

    @property
    def violations(self) -> list[Violation]:
        return self.record.violations

    @property
    def rate_limited(self) -> Counter[str]:
        """Calls refused by the real budgets, per route; scripted 429s do not count."""
        return self.inside.site.budgets.refused

    @property
    def identified(self) -> int:
        """How many sessions were begun."""
        return self.inside.site.sessions.identified

    @property
    def resumed(self) -> int:
        """How many times a session was resumed."""
        return self.inside.site.sessions.resumed

    @property
    def deduplicated(self) -> int:
        """Messages sent again with the same nonce, and not posted again."""
        return self.inside.site.deduplicated

    def assert_clean(self) -> None:
        """AssertionError if the client broke a rule, ran into a rate limit, or left an interaction unanswered."""
        broken = [f"{violation.where}: {violation.what}" for violation in self.violations]
        broken += [f"{route}: {count} times rate limited" for route, count in self.rate_limited.items()]
        broken += [f"not answered in time: {one.label}" for one in self.inside.site.interactions.unanswered]
        if broken:
            raise AssertionError("\n".join(broken))

    def _both(self, person: Person | str, channel: Channel | str) -> tuple[Person, Channel]:
        return self.directory.find_person(person), self.directory.find_channel(channel)
