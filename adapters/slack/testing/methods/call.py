"""A call being answered: who calls, with which arguments, and what it may touch."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from adapters.slack.testing.arguments import Arguments
from adapters.slack.testing.site import Site
from adapters.slack.testing.wire import Json, Refusal
from adapters.slack.testing.world import App, Channel, Person, Post

TS = re.compile(r"\d{10}\.\d{6}")
_HISTORY = {"channel": "channels:history", "group": "groups:history", "im": "im:history", "mpim": "mpim:history"}
READ = {"channel": "channels:read", "group": "groups:read", "im": "im:read", "mpim": "mpim:read"}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an authenticated app. Every lookup raises Slack's own refusal."""

    method: str
    app: App
    arguments: Arguments
    site: Site

    def need(self, *scopes: str) -> None:
        """At least one of the scopes."""
        if scopes and not self.app.scopes.intersection(scopes):
            provided = ",".join(sorted(self.app.scopes))
            raise Refusal("missing_scope", needed=",".join(scopes), provided=provided)

    def channel(self, argument: str = "channel", *, names: bool = False) -> Channel:
        """The channel named by an id (or, where Slack allows it, a name). Private ones need membership to exist."""
        wanted = self.arguments.text(argument, required="channel_not_found")
        if names and wanted.startswith("U"):
            return self.direct(wanted)
        try:
            channel = self.site.directory.find_channel(wanted, self.app.team)
        except KeyError:
            raise Refusal("channel_not_found") from None
        by_name = wanted != channel.id
        hidden = channel.kind != "channel" and not self.inside(channel)
        if channel.team is not self.app.team or hidden or (by_name and not names):
            raise Refusal("channel_not_found")
        return channel

    def direct(self, user_id: str) -> Channel:
        return self.site.directory.direct(self.person(user_id), self.app)

    def person(self, user_id: str) -> Person:
        person = self.site.directory.people.get(user_id)
        if person is None or person.team is not self.app.team:
            raise Refusal("user_not_found")
        return person

    def inside(self, channel: Channel) -> bool:
        return self.app.bot.id in channel.members

    def history_of(self, channel: Channel) -> None:
        """May the app read what was said there?"""
        self.need(_HISTORY[channel.kind])
        if not self.inside(channel):
            raise Refusal("not_in_channel")

    def details_of(self, channel: Channel) -> None:
        self.need(READ[channel.kind])

    def post(self, channel: Channel, argument: str = "ts", *, error: str = "message_not_found") -> Post:
        """A living, public message."""
        post = channel.posts.get(self.arguments.text(argument, required=error))
        if post is None or post.deleted or post.only_for is not None or post.subtype == "tombstone":
            raise Refusal(error)
        return post

    def thread(self, channel: Channel) -> str:
        """The `thread_ts`, checked: a ts, of a living parent. A reply's ts leads to its parent, and is a violation."""
        wanted = self.arguments.text("thread_ts")
        if not wanted:
            return ""
        if not TS.fullmatch(wanted):
            raise Refusal("invalid_thread_ts", f"[ERROR] {wanted} is not a valid thread_ts")
        parent = channel.posts.get(wanted)
        if parent is None or parent.deleted or parent.only_for is not None:
            raise Refusal("thread_not_found")
        if parent.thread_ts:
            self.violation("thread_ts is the ts of a reply, not of its parent")
            return parent.thread_ts
        return wanted

    def violation(self, what: str) -> None:
        self.site.record.violation(self.method, what)


@dataclass(frozen=True, slots=True)
class Method:
    """A method and what Slack demands before it runs."""

    run: Callable[[Call], Json]
    tier: int
    """0 is chat.postMessage's own budget; 4 is the most generous."""
    arguments: frozenset[str]
    scopes: tuple[str, ...] = ()
    """Any one of them will do."""
    json: bool = True
    """False: JSON bodies are ignored, as for most methods that only read."""
    token: Literal["bot", "app"] = "bot"


def names(text: str) -> frozenset[str]:
    return frozenset(text.split())
