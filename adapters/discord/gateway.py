"""The gateway: Discord's events over a socket, kept open, resumed, and opened anew.

discord.py does the protocol (heartbeats, compression, resuming). Its `Client` is not run: its address is the same for
every bot of a process, its cache builds thousands of objects that nobody reads, it waits two seconds before it is
ready, and it starts tasks that nobody awaits. What it keeps private and is used here is named where it is used.
"""

from __future__ import annotations

import asyncio
import logging
import random
import zlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial

import aiohttp
import discord
import structlog
import yarl
from discord.gateway import DiscordClientWebSocketResponse, DiscordWebSocket, ReconnectWebSocket, WebSocketClosure
from discord.http import HTTPClient

from adapters.discord.invite import INTENTS
from adapters.discord.wire import Json
from botkit.errors import AdapterError, NotAllowed, Unreachable

log = structlog.get_logger("botkit.discord")

READY_WITHIN = 30.0
"""Seconds for the first connection."""
OPEN_WITHIN = 20.0
"""Seconds for one attempt to open a socket."""
CLOSE_WITHIN = 2.0
HEARD_WITHIN = 60.0
"""Seconds without a word after which a socket is given up; heartbeats are answered about every 41 seconds."""
IDENTIFY_EVERY = 5.0
"""Seconds between two new sessions, https://docs.discord.com/developers/events/gateway#rate-limiting."""
LONGEST_WAIT = 60.0

_FATAL = {
    4004: "the bot's token is wrong or was reset: Developer Portal -> Bot -> Reset Token",
    4010: "Discord does not accept the shard",
    4011: "the bot is in too many servers for one connection (about 2,500), which botkit does not support",
    4012: "Discord no longer accepts this version of the gateway: update botkit and discord.py",
    4013: "Discord does not know an intent: update botkit",
    4014: "the Message Content Intent is not switched on: Developer Portal -> Bot -> Privileged Gateway Intents",
}
"""Close codes after which connecting again is useless, https://docs.discord.com/developers/topics/opcodes-and-status-codes"""

NOISE = (ValueError, LookupError, TypeError, AttributeError, RuntimeError, zlib.error)
"""What discord.py lets through when it stumbles over a message of the gateway."""

Receive = Callable[[str, Json], None]


@asynccontextmanager
async def gateway(
    token: str, url: str, receive: Receive, *, heard_within: float = HEARD_WITHIN
) -> AsyncGenerator[None]:
    """Receive events while inside; the first is READY. Entering raises NotAllowed and Unreachable."""
    async with aiohttp.ClientSession(
        ws_response_class=DiscordClientWebSocketResponse, cookie_jar=aiohttp.DummyCookieJar(), trust_env=True
    ) as session:
        link = _Link(_Settings(session, token, heard_within), yarl.URL(url), receive)
        task = asyncio.create_task(link.run(), name="discord-gateway")
        try:
            await _ready(link, task)
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)  # what ended it is in the log
            await link.close()


async def _ready(link: _Link, task: asyncio.Task[None]) -> None:
    ready = asyncio.create_task(link.ready.wait())
    try:
        await asyncio.wait((ready, task), timeout=READY_WITHIN, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ready.cancel()
        await asyncio.wait([ready])
    if task.done():
        task.result()
    if not link.ready.is_set():
        raise Unreachable(f"Discord's gateway gave no session within {READY_WITHIN:g} s", acted=False)


class _Events(dict[str, Callable[[Json], None]]):
    """What discord.py looks a parser up in: here every event has one."""

    def __init__(self, receive: Receive) -> None:
        super().__init__()
        self._receive = receive

    def __missing__(self, event: str) -> Callable[[Json], None]:
        return partial(self._receive, event)


class _Sockets(HTTPClient):
    """Opens the gateway's sockets through our own session; discord.py's exists only after its own login."""

    def __init__(self, session: aiohttp.ClientSession, token: str) -> None:
        super().__init__(asyncio.get_running_loop())
        self.token = token
        self._ours = session

    async def ws_connect(self, url: str, *, compress: int = 0) -> aiohttp.ClientWebSocketResponse:
        return await self._ours.ws_connect(
            url, max_msg_size=0, autoclose=False, headers={"User-Agent": self.user_agent}, compress=compress
        )


class _Settings(discord.Client):
    """Never run: it only carries what a socket of discord.py's asks its client for."""

    def __init__(self, session: aiohttp.ClientSession, token: str, heard_within: float) -> None:
        logging.getLogger("discord").setLevel(
            logging.ERROR
        )  # it warns that there is no voice, and tells tokens at debug
        super().__init__(intents=discord.Intents(**dict.fromkeys(INTENTS, True)), heartbeat_timeout=heard_within)
        self.loop = asyncio.get_running_loop()
        self.http = _Sockets(session, token)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """discord.py would sleep here; `_Link` keeps the distance between two sessions itself."""


class _Link:
    """One bot's connection."""

    def __init__(self, client: _Settings, url: yarl.URL, receive: Receive) -> None:
        self._client, self._url, self._receive = client, url, receive
        self._socket: DiscordWebSocket | None = None
        self._session: tuple[str, int | None, yarl.URL] | None = None
        """What resuming the last socket's session takes: id, last event, address."""
        self._failures = 0
        self._identified = float("-inf")
        self._begun = False
        """The present socket has a session."""
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Stay connected for ever; ends only by raising NotAllowed when Discord wants a person to change something."""
        while True:
            try:
                await self._connection()
            except NotAllowed as refused:
                log.error("discord_refuses", problem=str(refused), code=refused.code)
                raise
            except (AdapterError, OSError, aiohttp.ClientError, TimeoutError, WebSocketClosure) as problem:
                wait = min(2.0**self._failures, LONGEST_WAIT) * random.uniform(0.75, 1.0)
                self._failures = min(self._failures + 1, 10)
                log.warning("gateway_lost", problem=str(problem) or type(problem).__name__, again_in=round(wait, 1))
                await asyncio.sleep(wait)

    async def _connection(self) -> None:
        """Open a socket and listen until it ends; returns when it is worth connecting again at once."""
        self._begun = False
        try:
            socket = await self._open()
            while True:
                await socket.poll_event()
        except ReconnectWebSocket as again:
            self._remember(resume=again.resume)
            if not self._begun:
                raise Unreachable("Discord closed the socket before a session began", acted=False) from None
            log.info("gateway_reconnects", resume=again.resume)
        except discord.ConnectionClosed as closed:
            if closed.code in _FATAL:
                raise NotAllowed(_FATAL[closed.code], code=str(closed.code)) from None
            self._remember(resume=False)
            raise Unreachable(f"Discord closed the socket ({closed.code})", acted=False) from None
        except (OSError, aiohttp.ClientError, TimeoutError):
            self._remember(resume=self._failures < 3)  # a proxy or a host of the resume address may be gone for good
            raise
        except NOISE as problem:
            # One message that nobody understands must not end all others.
            log.exception("gateway_noise")
            self._remember(resume=self._failures < 3)
            raise Unreachable("Discord sent what is no message of the gateway", acted=False) from problem
        finally:
            await self.close()

    async def _open(self) -> DiscordWebSocket:
        session = self._session
        if session is None:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(max(0.0, self._identified + IDENTIFY_EVERY - loop.time()))
            self._identified = loop.time()
        id, sequence, url = session or (None, None, self._url)
        async with asyncio.timeout(OPEN_WITHIN):
            self._socket = socket = await DiscordWebSocket.from_client(
                self._client, initial=True, gateway=url, session=id, sequence=sequence, resume=session is not None
            )
        # Only HELLO has been read by now, so no event went to discord.py's own parsers.
        socket._discord_parsers = _Events(self._heard)  # pyright: ignore[reportPrivateUsage]  # it has no public way in
        return socket

    def _heard(self, event: str, data: Json) -> None:
        if event in ("READY", "RESUMED"):
            # From now on the socket itself knows what resuming takes.
            self._failures, self._begun, self._session = 0, True, None
        self._receive(event, data)
        if event == "READY":
            self.ready.set()

    def _remember(self, *, resume: bool) -> None:
        socket = self._socket
        if not resume:
            self._session = None
        elif socket is not None and socket.session_id:
            self._session = socket.session_id, socket.sequence, socket.gateway

    async def close(self) -> None:
        """Close the socket; without a reconnection Discord then shows the bot as offline at once."""
        socket, self._socket = self._socket, None
        if socket is None:
            return
        try:
            async with asyncio.timeout(CLOSE_WITHIN):
                await socket.close(4000 if self._session is not None else 1000)
        except (TimeoutError, OSError, aiohttp.ClientError) as problem:
            log.debug("gateway_close", problem=str(problem))
