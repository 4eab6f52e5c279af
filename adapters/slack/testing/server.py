"""The strict loopback Slack: a workspace in this process that the real Slack SDKs talk to."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TypeVar

from adapters.slack.testing.building import Building, opened
from adapters.slack.testing.clock import Clock
from adapters.slack.testing.delivery import Delivery
from adapters.slack.testing.directory import Directory
from adapters.slack.testing.faults import Fault, Faults, Trouble
from adapters.slack.testing.people import GivenFile
from adapters.slack.testing.record import ApiCall, Record, Violation
from adapters.slack.testing.sockets import Reason
from adapters.slack.testing.wire import encode, mapping
from adapters.slack.testing.world import App, Channel, ChannelKind, Person, Post, SharedFile, Workspace

T = TypeVar("T")
WITHIN = 5.0
"""Seconds a wait may take unless told otherwise."""


class LoopbackSlack:
    """`async with LoopbackSlack() as slack`: workspace `team` with the app `app`, alice, bob and carol.

    Channels: general (everybody and the app), random (without the app), secret (private; alice and the app), old
    (archived). `speed` quickens budgets, retries and lifetimes; the time for an acknowledgement is `ack_seconds`.
    `limits=False` switches rate budgets off. People and channels may be given by object, id or name.
    """

    team: Workspace
    app: App

    def __init__(self, *, speed: float = 1.0, ack_seconds: float = 3.0, limits: bool = True) -> None:
        self.directory, self.record, self.faults = Directory(), Record(), Faults()
        self._building: Building | None = None
        self._opening = opened(Clock(speed), self.directory, self.record, self.faults, ack_seconds, limits=limits)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> LoopbackSlack:
        self._building = await self._stack.enter_async_context(self._opening)
        self.team = self.workspace("Acme")
        self.app = self.install("claude")
        everybody = [self.person(name) for name in ("alice", "bob", "carol")]
        self.channel("general", *everybody, self.app)
        self.channel("random", *everybody)
        self.channel("secret", everybody[0], self.app, kind="group")
        self.channel("old", *everybody, self.app).archived = True
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    @property
    def inside(self) -> Building:
        if self._building is None:
            raise RuntimeError("use `async with LoopbackSlack()`")
        return self._building

    @property
    def url(self) -> str:
        """The Web API's base; ends in `/api/`."""
        return f"{self.inside.site.origin}/api/"

    def workspace(self, name: str) -> Workspace:
        return self.directory.workspace(name)

    def install(self, name: str, team: Workspace | None = None) -> App:
        """An app with tokens of its own, in a workspace."""
        return self.directory.app(name, team or self.team)

    def person(self, name: str, team: Workspace | None = None) -> Person:
        """The person of that name, who comes into being when first asked for."""
        try:
            return self.directory.find_person(name, team or self.team)
        except KeyError:
            return self.directory.person(name, team or self.team)

    def channel(
        self, name: str, *members: Person | App, kind: ChannelKind = "channel", team: Workspace | None = None
    ) -> Channel:
        """The channel of that name; made, with these members, if there is none."""
        try:
            return self.directory.find_channel(name, team or self.team)
        except KeyError:
            people = [member.bot if isinstance(member, App) else member for member in members]
            return self.directory.channel(name, team or self.team, people, kind)

    def dm(self, person: Person | str, app: App | None = None) -> Channel:
        """The direct messages between a person and the app."""
        app = app or self.app
        return self.directory.direct(self.directory.find_person(person, app.team), app)

    def file(
        self, owner: Person | str, name: str, data: bytes, media_type: str, *, external: bool = False
    ) -> SharedFile:
        """A file to `say`; an external one lies on another host."""
        person = self.directory.find_person(owner, self.team)
        return self.inside.site.file(person, name, data, media_type, external=external)

    async def say(
        self,
        person: Person | str,
        channel: Channel | str,
        text: str,
        thread_ts: Post | str | None = None,
        files: Sequence[GivenFile] = (),
    ) -> Post:
        """Write a message; its events are on their way when this returns. `app.mention` addresses the app."""
        who, where = self._both(person, channel)
        return self.inside.people.say(who, where, text, _ts(thread_ts), files)

    async def edit(self, post: Post, text: str) -> None:
        self.inside.people.edit(post, text)

    async def delete(self, post: Post) -> None:
        self.inside.site.rooms.remove(post)

    async def unfurl(self, post: Post, title: str = "A page") -> None:
        """Slack adds a preview: `message_changed` without a changed word."""
        self.inside.site.rooms.unfurl(post, {"id": 1, "title": title, "fallback": title})

    async def join(self, person: Person | str, channel: Channel | str) -> None:
        self.inside.people.join(*self._both(person, channel))

    async def open_home(self, person: Person | str, app: App | None = None) -> None:
        self.inside.people.open_home(self.directory.find_person(person, self.team), app or self.app)

    async def open_assistant(
        self, person: Person | str, context: Channel | str | None = None, app: App | None = None
    ) -> Post:
        """Open the app's split view; returns the root of its new thread."""
        seen = None if context is None else self.directory.find_channel(context, self.team)
        return self.inside.people.open_assistant(self.directory.find_person(person, self.team), app or self.app, seen)

    async def press(self, person: Person | str, post: Post, wanted: str) -> Delivery:
        """Press the button with that action id or label; ValueError if there is none."""
        return await self.inside.people.press(self.directory.find_person(person, post.channel.team), post, wanted)

    async def command(
        self, person: Person | str, channel: Channel | str, command: str, text: str = "", app: App | None = None
    ) -> Delivery:
        """Type a slash command (Slack has none in threads)."""
        who, where = self._both(person, channel)
        return await self.inside.people.command(who, where, app or self.app, command, text)

    async def subscribe(self, url: str, app: App | None = None) -> None:
        """Save a request URL, which Slack verifies first. ValueError if the app does not echo the challenge."""
        app = app or self.app
        before, app.request_url = app.request_url, url
        challenge = secrets.token_urlsafe(32)
        body = {"token": app.verification_token, "challenge": challenge, "type": "url_verification"}
        attempt = await self.inside.hooks.post(app, encode(body), {"Content-Type": "application/json"})
        if attempt.problem or challenge not in (attempt.response, mapping(attempt.response).get("challenge")):
            app.request_url = before
            raise ValueError(f"the URL did not echo the challenge: {attempt.problem or attempt.response}")

    async def redeliver(self, delivery: Delivery) -> Delivery:
        """Bring the same event again, with the same event id."""
        again = Delivery(delivery.app, delivery.kind, delivery.payload)
        return self.inside.site.courier.send(again)

    async def disconnect(self, reason: Reason = "refresh_requested", app: App | None = None) -> None:
        """Tell the app's sockets to go; only after a `warning` they may stay a while."""
        await self.inside.site.sockets.disconnect(app or self.app, reason)

    async def cut(self, app: App | None = None) -> None:
        """Break the app's sockets without a word."""
        await self.inside.site.sockets.cut(app or self.app)

    def sockets(self, app: App | None = None) -> int:
        """How many sockets of the app are open."""
        return len(self.inside.site.sockets.of(app or self.app))

    async def connected(self, count: int = 1, app: App | None = None, within: float = WITHIN) -> None:
        await self.until(lambda: self.sockets(app) >= count, within)

    def fault(
        self,
        method: str,
        kind: Trouble,
        times: int = 1,
        *,
        skip: int = 0,
        error: str = "internal_error",
        status: int = 503,
        retry_after: int | None = 1,
        where: Callable[[Mapping[str, object]], bool] | None = None,
    ) -> Fault:
        """Script trouble for the next `times` calls of a method ("*": any), after `skip` of them.

        `where` sees the call's arguments (for `events`, the payload; for `download`, the file's name).
        """
        fault = Fault(method, kind, times, skip, error, status, retry_after, where)
        self.faults.waiting.append(fault)
        return fault

    def messages(self, channel: Channel | str, thread: Post | str | None = None) -> list[Post]:
        """What stands in a channel, or in one thread with its parent: ephemeral too, deleted not. Oldest first."""
        room, ts = self.directory.find_channel(channel, self.team), _ts(thread)
        living = [post for post in room.posts.values() if not post.deleted]
        if ts:
            return [post for post in living if ts in (post.ts, post.thread_ts)]
        return [post for post in living if not post.thread_ts or post.broadcast]

    def status(self, channel: Channel | str, thread: Post | str) -> str:
        """The working status shown in a thread, '' for none."""
        return self.inside.site.status(self.directory.find_channel(channel, self.team), _ts(thread))

    def skip(self, seconds: float) -> None:
        """Let so many of Slack's seconds be over at once: for budgets and lifetimes, not for people."""
        self.inside.site.clock.skipped += seconds

    async def until(self, predicate: Callable[[], T], within: float = WITHIN) -> T:
        """The predicate's first truthy value, asked again at each change. TimeoutError says what was seen instead."""
        return await self.record.until(predicate, within)

    async def settled(self, within: float = WITHIN) -> None:
        """Every delivery has been acknowledged or given up."""
        await self.until(lambda: all(delivery.finished for delivery in self.deliveries), within)

    @property
    def calls(self) -> list[ApiCall]:
        return self.record.calls

    @property
    def deliveries(self) -> list[Delivery]:
        return self.inside.site.courier.deliveries

    @property
    def violations(self) -> list[Violation]:
        return self.record.violations

    @property
    def unacked(self) -> list[Delivery]:
        """Deliveries that were acknowledged too late, or refused, at least once."""
        return self.inside.site.courier.unacked

    @property
    def rate_limited(self) -> Counter[str]:
        """Calls refused by the real budgets, per method; scripted 429s do not count."""
        return self.inside.site.budgets.refused

    def assert_clean(self) -> None:
        """AssertionError if the client broke a rule, ran into a budget, or left anything unacknowledged."""
        broken = [f"{violation.where}: {violation.what}" for violation in self.violations]
        broken += [f"{method}: {count} times rate limited" for method, count in self.rate_limited.items()]
        broken += [f"not acknowledged: {delivery.label}" for delivery in self.unacked]
        if broken:
            raise AssertionError("\n".join(broken))

    def _both(self, person: Person | str, channel: Channel | str) -> tuple[Person, Channel]:
        room = self.directory.find_channel(channel, self.team)
        return self.directory.find_person(person, room.team), room


def _ts(thread: Post | str | None) -> str:
    """A thread by its ts or by any message in it."""
    return (thread.thread_ts or thread.ts) if isinstance(thread, Post) else thread or ""
