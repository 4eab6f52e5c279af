"""Journeys in a loopback Discord, where a mention begins a thread with the first sign of an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from adapters.discord.testing import Channel, LoopbackDiscord, Post
from tests.journeys.place import File, Shown

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DiscordShown:
    discord: LoopbackDiscord
    post: Post

    @property
    def shown(self) -> str:
        return self.post.shown

    @property
    def versions(self) -> Sequence[str]:
        return [version.text for version in self.post.versions]

    @property
    def files(self) -> Sequence[tuple[str, bytes]]:
        return [(file.name, file.data) for file in self.post.attachments]

    @property
    def pings(self) -> Sequence[str]:
        return self.post.pings

    async def press(self, label: str, *, person: str = "alice") -> None:
        await self.discord.press(person, self.post, label)

    async def delete(self) -> None:
        await self.discord.delete(self.post)


@dataclass(frozen=True, slots=True)
class DiscordThread:
    discord: LoopbackDiscord
    root: Post

    @property
    def where(self) -> Channel | None:
        """The channel that its messages stand in; None while there is no thread yet."""
        return self.root.channel if self.root.channel.kind == "dm" else self.root.thread

    def posts(self) -> Sequence[DiscordShown]:
        found = self.discord.messages(self.where) if self.where is not None else []
        return [DiscordShown(self.discord, post) for post in found if post.app is not None]

    async def say(self, text: str, *, person: str = "alice") -> None:
        where = await self.discord.until(lambda: self.where)
        assert where is not None
        await self.discord.say(person, where, text)

    async def edit(self, text: str) -> None:
        await self.discord.edit(self.root, f"{self.discord.app.mention} {text}")

    async def delete(self) -> None:
        await self.discord.delete(self.root)

    async def close(self) -> None:
        assert self.root.thread is not None
        await self.discord.archive(self.root.thread, locked=True)


@dataclass(frozen=True, slots=True)
class DiscordPlace:
    discord: LoopbackDiscord
    table = "discord"
    most = 2000

    @property
    def settings(self) -> str:
        return (
            f'bot_token = "${{DISCORD_BOT_TOKEN}}"\napi_url = "{self.discord.url}"\n'
            f'gateway_url = "{self.discord.gateway_url}"'
        )

    @property
    def secrets(self) -> Mapping[str, str]:
        return {"DISCORD_BOT_TOKEN": self.discord.token}

    def id(self, person: str) -> str:
        return self.discord.person(person).id

    async def mention(self, text: str, *, person: str = "alice", files: Sequence[File] = ()) -> DiscordThread:
        said = await self.discord.say(person, "general", f"{self.discord.app.mention} {text}", None, files)
        return DiscordThread(self.discord, said)

    async def direct(self, text: str, *, person: str = "alice", files: Sequence[File] = ()) -> DiscordThread:
        return DiscordThread(self.discord, await self.discord.say(person, self.discord.dm(person), text, None, files))

    async def connected(self, within: float) -> None:
        await self.discord.connected(within=within)

    async def gone(self, within: float) -> None:
        await self.discord.until(lambda: not self.discord.connections(), within)

    def lose(self) -> None:
        """There is nothing to do: Discord delivers nothing to who was away."""

    async def until(self, holds: Callable[[], T], within: float) -> T:
        return await self.discord.until(holds, within)

    async def settled(self, within: float) -> None:
        await self.discord.settled(within)

    @property
    def violations(self) -> Sequence[object]:
        return self.discord.violations

    def assert_clean(self) -> None:
        self.discord.assert_clean()


def post_of(shown: Shown) -> Post:
    """A message of the bot's, for what only Discord knows of it."""
    assert isinstance(shown, DiscordShown)
    return shown.post
