"""The Feishu adapter between a loopback Feishu and a hub that remembers what it was given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from aiohttp import web
from pydantic import SecretStr

from adapters.feishu import FeishuSettings
from adapters.feishu.adapter import FeishuAdapter
from adapters.feishu.testing import App, LoopbackFeishu, Post
from botkit.commands import Command
from botkit.errors import StoreError
from botkit.events import TurnEvent
from botkit.model import Conversation, Message, User

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Bot:
    """A hub that takes each message once and says whatever a test wants it to say."""

    def __init__(self, feishu: LoopbackFeishu, name: str = "acme") -> None:
        self._feishu, self._name = feishu, name
        self.messages: list[Message] = []
        self.offered: list[Message] = []
        """Everything that was handed in, taken or not."""
        self.signs: list[tuple[Conversation, User]] = []
        self.silent = 0
        """So many deliveries the store does not answer."""
        self.slow: asyncio.Event | None = None
        """Deliveries wait for it."""
        self.followed_topics: dict[Conversation, float] = {}
        self.strangers: set[str] = set()
        self.mounted: dict[str, Handler] = {}

    @property
    def bot(self) -> str:
        return self._name

    @property
    def commands(self) -> Sequence[Command]:
        return ()

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]

    async def deliver(self, message: Message) -> str:
        self.offered.append(message)
        self._feishu.record.changed()
        if self.slow is not None:
            await self.slow.wait()
        if self.silent:
            self.silent -= 1
            raise StoreError("silent")
        if any(message.id == known.id for known in self.messages) or not self.allowed(message):
            return ""
        if message.kind == "new" and not message.addressed:
            return ""
        self.messages.append(message)
        self._feishu.record.changed()
        return f"turn-{len(self.messages)}"

    def allowed(self, message: Message) -> bool:
        return message.author.id not in self.strangers

    async def follows(self, conversation: Conversation) -> bool:
        return conversation in self.followed_topics

    async def followed(self, adapter: str, since: float) -> Sequence[tuple[Conversation, float]]:
        return [
            (Conversation.parse(where.key), used)
            for where, used in self.followed_topics.items()
            if where.adapter == adapter and used >= since
        ]

    def warm(self, conversation: Conversation, user: User) -> None:
        self.signs.append((conversation, user))
        self._feishu.record.changed()

    def attach(self, turn: str, since: int = 0) -> AsyncIterator[tuple[int, TurnEvent]]:
        raise KeyError(turn)

    async def stop(self, conversation: Conversation) -> bool:
        return False

    def mount(self, path: str, handler: Handler) -> None:
        self.mounted[path] = handler


def settings_for(feishu: LoopbackFeishu, app: App | None = None, **changes: object) -> FeishuSettings:
    of = app or feishu.app
    given: dict[str, object] = {
        "app_id": of.id,
        "app_secret": SecretStr(of.secret),
        "domain": feishu.url,
        "catch_up_groups": 0,  # what was just said would be found as well, by a test that counts
    }
    return FeishuSettings.model_validate({**given, **changes})


def adapter_for(
    feishu: LoopbackFeishu, app: App | None = None, *, name: str = "feishu", **changes: object
) -> FeishuAdapter:
    return FeishuAdapter(name, settings_for(feishu, app, **changes))


@asynccontextmanager
async def webhook_at(feishu: LoopbackFeishu, bot: Bot, app: App | None = None) -> AsyncGenerator[str]:
    """A web server with what the adapter mounted, as Feishu's request URL."""
    server = web.Application()
    for path, handler in bot.mounted.items():
        server.router.add_post(f"/{bot.bot}{path}", handler)
    runner = web.AppRunner(server, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        address: tuple[str, int] = runner.addresses[0]
        yield f"http://{address[0]}:{address[1]}/{bot.bot}/feishu/events"
    finally:
        await runner.cleanup()


def bot_posts(feishu: LoopbackFeishu, app: App | None = None) -> list[Post]:
    """What the app has posted anywhere, recalled messages left out."""
    chats = feishu.directory.chats.values()
    return [post for chat in chats for post in feishu.messages(chat) if post.author is (app or feishu.app)]


def calls(feishu: LoopbackFeishu, route: str) -> int:
    """How often a method was called with success."""
    return sum(1 for call in feishu.calls if call.route == route and call.code == 0)
