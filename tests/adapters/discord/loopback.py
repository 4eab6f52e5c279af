"""The loopback Discord with the real discord.py at its door."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager

import discord
import pytest
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from adapters.discord.testing import App, Channel, LoopbackDiscord
from adapters.discord.testing.wire import Json, decode, encode, mapping


def point(monkeypatch: pytest.MonkeyPatch, loopback: LoopbackDiscord) -> None:
    """Let discord.py talk to the loopback; its addresses are the same for a whole process."""
    monkeypatch.setattr(Route, "BASE", loopback.url)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(loopback.gateway_url))


class Bot(discord.Client):
    """A client that remembers what it was told."""

    def __init__(self, loopback: LoopbackDiscord, intents: discord.Intents, heartbeat_timeout: float) -> None:
        super().__init__(
            intents=intents, guild_ready_timeout=0.05, heartbeat_timeout=heartbeat_timeout, enable_debug_events=True
        )
        self._loopback = loopback
        self.messages: list[discord.Message] = []
        self.interactions: list[discord.Interaction[discord.Client]] = []
        self.heard: list[str] = []

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """discord.py would wait five seconds before every session but the first."""

    async def on_message(self, message: discord.Message) -> None:
        self.messages.append(message)

    async def on_interaction(self, interaction: discord.Interaction[discord.Client]) -> None:
        self.interactions.append(interaction)
        self._loopback.record.changed()

    async def on_ready(self) -> None:
        self._loopback.record.changed()

    async def on_socket_event_type(self, event: str) -> None:
        self.heard.append(event)
        # A turn of the loop later the event's own listeners have run.
        asyncio.get_running_loop().call_soon(self._loopback.record.changed)

    def text(self, channel: Channel) -> discord.PartialMessageable:
        """A channel to send to, without asking for it first."""
        return self.get_partial_messageable(int(channel.id))


@asynccontextmanager
async def logged_in(loopback: LoopbackDiscord, app: App | None = None) -> AsyncGenerator[Bot]:
    """A client that only uses the REST API."""
    bot = Bot(loopback, discord.Intents.default(), 60.0)
    try:
        await bot.login((app or loopback.app).token)
        yield bot
    finally:
        await bot.close()


@asynccontextmanager
async def running(
    loopback: LoopbackDiscord,
    app: App | None = None,
    *,
    intents: discord.Intents | None = None,
    heartbeat_timeout: float = 60.0,
) -> AsyncGenerator[Bot]:
    """A client connected to the gateway and ready."""
    if intents is None:
        intents = discord.Intents.default()
        intents.message_content = True
    bot = Bot(loopback, intents, heartbeat_timeout)
    task = asyncio.create_task(bot.start((app or loopback.app).token))
    task.add_done_callback(lambda _: loopback.record.changed())
    try:
        await loopback.until(lambda: bot.is_ready() or task.done())
        if task.done():
            task.result()
        yield bot
    finally:
        await bot.close()
        await asyncio.gather(task, return_exceptions=True)


async def refused(answer: Awaitable[object]) -> tuple[int, int]:
    """HTTP status and Discord's code of a refusal."""
    with pytest.raises(discord.HTTPException) as error:
        await answer
    return error.value.status, error.value.code


async def complaint(answer: Awaitable[object]) -> str:
    """The text of "Invalid Form Body", with the places."""
    with pytest.raises(discord.HTTPException) as error:
        await answer
    assert (error.value.status, error.value.code) == (400, 50035)
    return error.value.text


async def raw(bot: Bot, method: str, path: str, body: object = None) -> Json:
    """A call that discord.py has no method for, or that it would not let out."""
    route = Route(method, path)
    answer = await (bot.http.request(route) if body is None else bot.http.request(route, json=body))
    return mapping(decode(encode(answer)))
