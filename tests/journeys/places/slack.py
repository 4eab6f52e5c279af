"""Journeys in a loopback Slack."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from adapters.slack.testing import LoopbackSlack, Post
from tests.journeys.place import File, Shown, Thread

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SlackShown:
    slack: LoopbackSlack
    post: Post

    @property
    def shown(self) -> str:
        return self.post.shown

    @property
    def versions(self) -> Sequence[str]:
        return [version.shown for version in self.post.versions]

    @property
    def files(self) -> Sequence[tuple[str, bytes]]:
        return [(file.name, file.data) for file in self.post.files]

    @property
    def pings(self) -> Sequence[str]:
        return self.post.pings

    async def press(self, label: str, *, person: str = "alice") -> None:
        await self.slack.press(person, self.post, label)

    async def delete(self) -> None:
        await self.slack.delete(self.post)


@dataclass(frozen=True, slots=True)
class SlackThread:
    slack: LoopbackSlack
    root: Post
    direct: bool = False
    """All direct messages with somebody, threads or not."""

    def posts(self) -> Sequence[SlackShown]:
        found = self.slack.messages(self.root.channel, None if self.direct else self.root)
        return [SlackShown(self.slack, each) for each in found if each.app is not None and each.ts != self.root.ts]

    async def say(self, text: str, *, person: str = "alice") -> None:
        await self.slack.say(person, self.root.channel, text, None if self.direct else self.root)

    async def edit(self, text: str) -> None:
        await self.slack.edit(self.root, f"{self.slack.app.mention} {text}")

    async def delete(self) -> None:
        await self.slack.delete(self.root)

    async def close(self) -> None:
        self.root.channel.archived = True


@dataclass(frozen=True, slots=True)
class SlackPlace:
    slack: LoopbackSlack
    table = "slack"
    most = 4000

    @property
    def settings(self) -> str:
        return (
            f'bot_token = "${{SLACK_BOT_TOKEN}}"\napp_token = "${{SLACK_APP_TOKEN}}"\n'
            f'api_url = "{self.slack.url}"\nstatus = "off"\nedits_per_minute = 1200'
        )

    @property
    def secrets(self) -> Mapping[str, str]:
        return {"SLACK_BOT_TOKEN": self.slack.app.bot_token, "SLACK_APP_TOKEN": self.slack.app.app_token}

    def id(self, person: str) -> str:
        return self.slack.person(person).id

    async def mention(self, text: str, *, person: str = "alice", files: Sequence[File] = ()) -> SlackThread:
        said = await self.slack.say(person, "general", f"{self.slack.app.mention} {text}", None, files)
        return SlackThread(self.slack, said)

    async def direct(self, text: str, *, person: str = "alice", files: Sequence[File] = ()) -> SlackThread:
        said = await self.slack.say(person, self.slack.dm(person), text, None, files)
        return SlackThread(self.slack, said, direct=True)

    async def connected(self, within: float) -> None:
        await self.slack.connected(within=within)

    async def gone(self, within: float) -> None:
        await self.slack.until(lambda: not self.slack.sockets(), within)

    def lose(self) -> None:
        self.slack.fault("events", "drop", times=10)

    async def until(self, holds: Callable[[], T], within: float) -> T:
        return await self.slack.until(holds, within)

    async def settled(self, within: float) -> None:
        await self.slack.settled(within)

    @property
    def violations(self) -> Sequence[object]:
        return self.slack.violations

    def assert_clean(self) -> None:
        self.slack.assert_clean()


def root_of(thread: Thread) -> Post:
    """The message that began a thread, for what only Slack knows of it."""
    assert isinstance(thread, SlackThread)
    return thread.root


def post_of(shown: Shown) -> Post:
    """A message of the bot's, for what only Slack knows of it."""
    assert isinstance(shown, SlackShown)
    return shown.post
