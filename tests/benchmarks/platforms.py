"""The platforms that answers grow on: strict ones on loopback, with their real budgets. One class for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from adapters.discord import DiscordSettings
from adapters.discord.adapter import DiscordAdapter
from adapters.discord.testing import LoopbackDiscord
from adapters.feishu import FeishuSettings
from adapters.feishu.adapter import FeishuAdapter
from adapters.feishu.testing import LoopbackFeishu
from adapters.slack import SlackSettings
from adapters.slack.adapter import SlackAdapter
from adapters.slack.testing import LoopbackSlack
from botkit.protocols import Adapter


class Platform(Protocol):
    """A platform that is up."""

    @property
    def adapter(self) -> Adapter: ...

    @property
    def refused(self) -> Counter[str]:
        """Calls that came too early, by what they were."""
        ...

    async def ask(self, number: int) -> None:
        """Somebody asks the bot, in a conversation of its own."""
        ...

    def shown(self) -> Iterable[tuple[float, object]]:
        """What was posted or edited: when by the monotonic clock, and the content."""
        ...

    async def until(self, predicate: Callable[[], bool], within: float) -> object: ...


@dataclass(frozen=True, slots=True)
class Opening:
    """A platform, and how it is opened."""

    name: str
    open: Callable[[], AbstractAsyncContextManager[Platform]]
    pace: Callable[[int], float]
    """Seconds between two updates of one of so many answers, that the platform's documented budgets allow."""
    most: int = 1000
    """Answers at once that the platform would begin within a minute."""


class Slack:
    """Each conversation is a thread of a channel of its own."""

    def __init__(self, slack: LoopbackSlack, stream: str) -> None:
        self._slack = slack
        tokens = {"bot_token": slack.app.bot_token, "app_token": slack.app.app_token}
        given = {**tokens, "api_url": slack.url, "status": "off", "stream": stream}
        self.adapter = SlackAdapter("slack", SlackSettings.model_validate(given))

    @property
    def refused(self) -> Counter[str]:
        return self._slack.rate_limited

    async def ask(self, number: int) -> None:
        person = self._slack.person(f"person{number}")
        where = self._slack.channel(f"channel{number}", person, self._slack.app)
        await self._slack.say(person, where, f"{self._slack.app.mention} speak")

    def shown(self) -> Iterable[tuple[float, object]]:
        for call in self._slack.record.calls:
            if call.ok and call.method.startswith("chat."):
                yield call.at, call.arguments

    async def until(self, predicate: Callable[[], bool], within: float) -> object:
        return await self._slack.record.until(predicate, within)


class Discord:
    """Each conversation is a thread of a channel of its own, which the bot makes."""

    def __init__(self, discord: LoopbackDiscord) -> None:
        self._discord = discord
        given = {"bot_token": discord.token, "api_url": discord.url, "gateway_url": discord.gateway_url}
        self.adapter = DiscordAdapter("discord", DiscordSettings.model_validate(given))

    @property
    def refused(self) -> Counter[str]:
        return self._discord.rate_limited

    async def ask(self, number: int) -> None:
        where = self._discord.channel(f"channel{number}")
        await self._discord.say("alice", where, f"{self._discord.app.mention} speak")

    def shown(self) -> Iterable[tuple[float, object]]:
        for call in self._discord.record.calls:
            if call.ok and call.route in ("create_message", "edit_message"):
                yield call.at, call.arguments

    async def until(self, predicate: Callable[[], bool], within: float) -> object:
        return await self._discord.record.until(predicate, within)


class Feishu:
    """Each conversation is the chat of one person with the bot."""

    def __init__(self, feishu: LoopbackFeishu) -> None:
        self._feishu = feishu
        given = {"app_id": feishu.app.id, "app_secret": feishu.app.secret, "domain": feishu.url}
        self.adapter = FeishuAdapter("feishu", FeishuSettings.model_validate(given))

    @property
    def refused(self) -> Counter[str]:
        return self._feishu.rate_limited

    async def ask(self, number: int) -> None:
        person = self._feishu.person(f"person{number}")
        await self._feishu.say(person, self._feishu.p2p(person), "speak")

    def shown(self) -> Iterable[tuple[float, object]]:
        for call in self._feishu.calls:
            if call.status == 200 and not call.code:
                yield call.at, call.arguments

    async def until(self, predicate: Callable[[], bool], within: float) -> object:
        return await self._feishu.until(predicate, within)


@asynccontextmanager
async def _slack(stream: str) -> AsyncGenerator[Platform]:
    async with LoopbackSlack() as slack:
        yield Slack(slack, stream)


@asynccontextmanager
async def _discord() -> AsyncGenerator[Platform]:
    async with LoopbackDiscord() as discord:
        yield Discord(discord)


@asynccontextmanager
async def _feishu() -> AsyncGenerator[Platform]:
    async with LoopbackFeishu() as feishu:
        yield Feishu(feishu)


PLATFORMS = (
    # chat.update: tier 3, about fifty a minute for the workspace.
    Opening("Slack, edits", lambda: _slack("edit"), lambda live: max(1.2, live * 60 / 50)),
    # chat.appendStream: tier 4, about a hundred a minute; chat.startStream: tier 2, twenty.
    Opening("Slack, native streams", lambda: _slack("native"), lambda live: max(0.6, live * 60 / 100), most=20),
    # Five edits in five seconds for each channel, fifty requests a second for the account.
    Opening("Discord", _discord, lambda live: max(1.0, live / 50)),
    # A thousand calls of a method a minute; a card takes ten operations a second.
    Opening("Feishu, streaming cards", _feishu, lambda live: max(0.5, live * 60 / 1000)),
)
