"""The Discord adapter between a loopback Discord and a hub that remembers what it was given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from aiohttp import web
from pydantic import SecretStr

from adapters.discord import DiscordSettings
from adapters.discord.adapter import DiscordAdapter
from adapters.discord.testing import App, LoopbackDiscord
from botkit.commands import Command
from botkit.errors import StoreError
from botkit.events import TurnEvent
from botkit.model import Conversation, Message, User

COMMANDS = (
    Command("help", "this list"),
    Command("stop", "stop what runs; `all` clears the queue too", "[all]"),
    Command("status", "session, model, cost, queue"),
    Command("resume", "go on with one of your sessions here", "N|ID"),
    Command("deploy", "put it into service", "TARGET [when]", "admin"),
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Bot:
    """A hub that takes each message once and says whatever a test wants it to say."""

    def __init__(self, discord: LoopbackDiscord, name: str = "acme") -> None:
        self._discord, self._name = discord, name
        self.messages: list[Message] = []
        self.attempts = 0
        self.silent = 0
        """So many deliveries the store does not answer."""
        self.forgetful = 0
        """So many times it does not say whether it follows a conversation."""
        self.slow: asyncio.Event | None = None
        """Deliveries wait for it."""
        self.followed_threads: dict[Conversation, float] = {}
        self.strangers: set[str] = set()
        self.signs: list[tuple[Conversation, User]] = []
        """Where who is about to write."""
        self.commands: Sequence[Command] = COMMANDS
        self.unwanted = False
        """No route is for anything."""

    @property
    def bot(self) -> str:
        return self._name

    @property
    def new(self) -> list[Message]:
        return [message for message in self.messages if message.kind == "new" and message.addressed]

    async def deliver(self, message: Message) -> str:
        self.attempts += 1
        self._discord.record.changed()
        if self.slow is not None:
            await self.slow.wait()
        if self.silent:
            self.silent -= 1
            raise StoreError("silent")
        if any(message.id == known.id for known in self.messages) or self.unwanted or not self.allowed(message):
            return ""
        if not (message.addressed or message.kind != "new"):
            return ""
        self.messages.append(message)
        self._discord.record.changed()
        return message.id

    def allowed(self, message: Message) -> bool:
        return message.author.id not in self.strangers

    async def follows(self, conversation: Conversation) -> bool:
        if self.forgetful:
            self.forgetful -= 1
            raise StoreError("silent")
        return conversation in self.followed_threads

    async def followed(self, adapter: str, since: float) -> Sequence[tuple[Conversation, float]]:
        return [
            (Conversation.parse(where.key), used)
            for where, used in self.followed_threads.items()
            if where.adapter == adapter and used >= since
        ]

    def warm(self, conversation: Conversation, user: User) -> None:
        self.signs.append((conversation, user))
        self._discord.record.changed()

    def attach(self, turn: str, since: int = 0) -> AsyncIterator[tuple[int, TurnEvent]]:
        raise KeyError(turn)

    async def stop(self, conversation: Conversation) -> bool:
        return False

    def mount(self, path: str, handler: Handler) -> None:
        raise AssertionError("Discord needs no web server")


def settings_for(discord: LoopbackDiscord, app: App | None = None, **changes: object) -> DiscordSettings:
    given: dict[str, object] = {
        "bot_token": SecretStr((app or discord.app).token),
        "api_url": discord.url,
        "gateway_url": discord.gateway_url,
    }
    return DiscordSettings.model_validate({**given, **changes})


def adapter_for(
    discord: LoopbackDiscord, app: App | None = None, *, name: str = "discord", **changes: object
) -> DiscordAdapter:
    return DiscordAdapter(name, settings_for(discord, app, **changes))
