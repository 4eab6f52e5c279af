"""The Slack adapter between a loopback Slack and a hub that remembers what it was given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from aiohttp import web
from pydantic import SecretStr

from adapters.slack import SlackSettings
from adapters.slack.adapter import SlackAdapter
from adapters.slack.testing import App, LoopbackSlack
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

    def __init__(self, slack: LoopbackSlack, name: str = "acme") -> None:
        self._slack, self._name = slack, name
        self.messages: list[Message] = []
        self.attempts = 0
        self.silent = 0
        """So many deliveries the store does not answer."""
        self.forgetful = 0
        """So many times it does not say whether it follows a conversation."""
        self.slow: asyncio.Event | None = None
        """Deliveries wait for it."""
        self.followed_threads: dict[Conversation, float] = {}
        self.mounted: dict[str, Handler] = {}
        self.strangers: set[str] = set()
        self.signs: list[tuple[Conversation, User]] = []
        """Where who is about to write."""
        self.commands: Sequence[Command] = COMMANDS

    @property
    def bot(self) -> str:
        return self._name

    @property
    def new(self) -> list[Message]:
        return [message for message in self.messages if message.kind == "new" and message.addressed]

    async def deliver(self, message: Message) -> str:
        self.attempts += 1
        self._slack.record.changed()
        if self.slow is not None:
            await self.slow.wait()
        if self.silent:
            self.silent -= 1
            raise StoreError("silent")
        if any(message.id == known.id for known in self.messages) or not (message.addressed or message.kind != "new"):
            return ""
        self.messages.append(message)
        self._slack.record.changed()
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
        self._slack.record.changed()

    def attach(self, turn: str, since: int = 0) -> AsyncIterator[tuple[int, TurnEvent]]:
        raise KeyError(turn)

    async def stop(self, conversation: Conversation) -> bool:
        return False

    def mount(self, path: str, handler: Handler) -> None:
        self.mounted[path] = handler


def settings_for(slack: LoopbackSlack, app: App | None = None, **changes: object) -> SlackSettings:
    """Settings for Socket Mode; `app_token=""` makes it HTTP."""
    app = app or slack.app
    given: dict[str, object] = {
        "bot_token": SecretStr(app.bot_token),
        "app_token": SecretStr(app.app_token),
        "signing_secret": SecretStr(app.signing_secret),
        "api_url": slack.url,
        "catch_up_channels": 0,  # what was just said would be found as well, by a test that counts
    }
    return SlackSettings.model_validate({**given, **changes})


def adapter_for(
    slack: LoopbackSlack, app: App | None = None, *, name: str = "slack", **changes: object
) -> SlackAdapter:
    return SlackAdapter(name, settings_for(slack, app, **changes))


@asynccontextmanager
async def over_http(
    slack: LoopbackSlack, adapter: SlackAdapter, bot: Bot, app: App | None = None
) -> AsyncGenerator[str]:
    """The adapter connected, its webhook on a real server and subscribed; gives the address."""
    async with adapter.connect(bot):
        application = web.Application()
        application.router.add_post("/acme/slack/events", bot.mounted["/slack/events"])
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}/acme/slack/events"
            await slack.subscribe(url, app)
            yield url
        finally:
            await runner.cleanup()
