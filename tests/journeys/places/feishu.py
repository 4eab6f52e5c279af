"""Journeys in a loopback Feishu, where a mention's answers stand in its topic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from adapters.feishu.testing import LoopbackFeishu, Post
from tests.journeys.place import File

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FeishuShown:
    feishu: LoopbackFeishu
    post: Post

    @property
    def shown(self) -> str:
        return self.post.shown

    @property
    def versions(self) -> Sequence[str]:
        return [version.shown for version in self.post.versions]

    @property
    def files(self) -> Sequence[tuple[str, bytes]]:
        return ()

    @property
    def pings(self) -> Sequence[str]:
        return self.post.pings

    async def press(self, label: str, *, person: str = "alice") -> None:
        pressed = await self.feishu.press(person, self.post, label)
        assert not pressed.error

    async def delete(self) -> None:
        await self.feishu.recall(self.post)


@dataclass(frozen=True, slots=True)
class FeishuThread:
    feishu: LoopbackFeishu
    root: Post
    direct: bool = False

    def posts(self) -> Sequence[FeishuShown]:
        if self.direct:
            found = self.feishu.messages(self.root.chat)
        else:
            found = self.feishu.messages(self.root.chat, self.root.thread_id) if self.root.thread_id else []
        return [FeishuShown(self.feishu, post) for post in found if post.author is self.feishu.app]

    async def say(self, text: str, *, person: str = "alice") -> None:
        await self.feishu.say(person, self.root.chat, text, thread=None if self.direct else self.root)

    async def edit(self, text: str) -> None:
        await self.feishu.edit(self.root, f"{self.feishu.app.mention} {text}")

    async def delete(self) -> None:
        await self.feishu.recall(self.root)

    async def close(self) -> None:
        await self.feishu.remove(self.feishu.app, self.root.chat)


@dataclass(frozen=True, slots=True)
class FeishuPlace:
    feishu: LoopbackFeishu
    table = "feishu"
    most = 28_000

    @property
    def settings(self) -> str:
        return f'app_id = "{self.feishu.app.id}"\napp_secret = "${{FEISHU_APP_SECRET}}"\ndomain = "{self.feishu.url}"'

    @property
    def secrets(self) -> Mapping[str, str]:
        return {"FEISHU_APP_SECRET": self.feishu.app.secret}

    def id(self, person: str) -> str:
        return self.feishu.open_id(self.feishu.person(person))

    async def mention(self, text: str, *, person: str = "alice", files: Sequence[File] = ()) -> FeishuThread:
        assert not files, "a message of Feishu's is either text or a file"
        return FeishuThread(self.feishu, await self.feishu.say(person, "general", f"{self.feishu.app.mention} {text}"))

    async def direct(self, text: str, *, person: str = "alice", files: Sequence[File] = ()) -> FeishuThread:
        assert not files, "a message of Feishu's is either text or a file"
        return FeishuThread(self.feishu, await self.feishu.say(person, self.feishu.p2p(person), text), direct=True)

    async def connected(self, within: float) -> None:
        await self.feishu.connected(within=within)

    async def gone(self, within: float) -> None:
        await self.feishu.until(lambda: not self.feishu.connections(), within)

    def lose(self) -> None:
        """There is nothing to do: Feishu itself delivers again."""

    async def until(self, holds: Callable[[], T], within: float) -> T:
        return await self.feishu.until(holds, within)

    async def settled(self, within: float) -> None:
        await self.feishu.settled(within)

    @property
    def violations(self) -> Sequence[object]:
        return self.feishu.violations

    def assert_clean(self) -> None:
        self.feishu.assert_clean()
