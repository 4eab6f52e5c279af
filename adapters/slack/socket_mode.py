"""Socket Mode: Slack's deliveries over a WebSocket that botkit opens, for hosts that Slack cannot reach."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager

import msgspec
import structlog
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.api import Api, proxy_for
from adapters.slack.sdk import logger
from botkit import halves
from botkit.errors import RateLimited, Unreachable

log = structlog.get_logger("botkit.slack")

CONNECT_WITHIN = 10.0
"""Seconds for one attempt to open a socket; the next one asks for a new address."""
FINISH_WITHIN = 3.0
"""Seconds for deliveries under way to be acknowledged when leaving: after that Slack delivers again anyway."""
CLOSE_WITHIN = 2.0
LONGEST_WAIT = 60.0
"""Seconds to wait at most when Slack opens no more sockets for now (it allows about one a minute)."""
AWAY = 60.0
"""Seconds without a socket after which messages may be lost for good, as Slack gives up after five minutes."""
PING = 3.0
"""Seconds between two pings, and until a broken socket is noticed."""


@asynccontextmanager
async def socket_mode(api: Api, app: AsyncApp, reconnected: Callable[[], None]) -> AsyncGenerator[None]:
    """Receive through `app` while inside. `api` is the app-level token's. Entering raises AdapterErrors."""
    client = Client(api, reconnected)

    async def handle(_: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        begun, socket = time.time(), client.current_session
        answer = await run_async_bolt_app(app, request)
        if client.current_session is socket:  # another one does not know the envelope; Slack delivers it again there
            await send_async_response(client, request, answer, begun)

    client.socket_mode_request_listeners.append(handle)
    try:
        await _connect(client)
        yield
    finally:
        await client.leave()


async def _connect(client: Client) -> None:
    try:
        try:
            await client.connect_to_new_endpoint(force=True)
        except RateLimited as limited:
            await asyncio.sleep(min(limited.retry_after, LONGEST_WAIT))
            await client.connect_to_new_endpoint(force=True)
    except TimeoutError:
        raise Unreachable("Slack opened no socket in time", acted=False) from None


class Client(SocketModeClient):
    """slack_sdk's client with four faults mended (seen in 3.47.0).

    After a failed attempt it tries the same address for ever, though each is good for one connection and one minute;
    it never reconnects by itself once an attempt was cut short; it starts tasks that nobody waits for; it sends an
    acknowledgement over a socket that does not know the envelope.
    """

    message_queue: asyncio.Queue[str]
    message_processor: asyncio.Future[None]
    message_receiver: asyncio.Future[None] | None
    current_session_monitor: asyncio.Future[None] | None

    def __init__(self, api: Api, reconnected: Callable[[], None], away: float = AWAY) -> None:
        """`reconnected` is called when there was no socket for more than `away` seconds."""
        super().__init__(
            app_token=api.token,
            web_client=AsyncWebClient(base_url=api.base_url),
            ping_interval=PING,
            logger=logger("socket"),
        )
        self.proxy = proxy_for(api.base_url)
        self._api, self._reconnected, self._away = api, reconnected, away
        self._lost_at: float | None = None
        self._not_before = 0.0
        self._answering: set[asyncio.Task[None]] = set()
        self._reconnecting: set[asyncio.Task[None]] = set()

    async def issue_new_wss_url(self) -> str:
        now = asyncio.get_running_loop().time()
        if now < self._not_before:
            raise RateLimited("Slack opens no more sockets for now", retry_after=self._not_before - now)
        try:
            return str((await self._api.call("apps.connections.open")).get("url", ""))
        except RateLimited as limited:
            self._not_before = now + limited.retry_after
            raise

    async def connect_to_new_endpoint(self, force: bool = False) -> None:
        now = asyncio.get_running_loop().time
        before = self.current_session
        if before is not None and self._lost_at is None:
            self._lost_at = now()
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                await super().connect_to_new_endpoint(force)
        finally:
            self.auto_reconnect_enabled = not self.closed
        lost_at, self._lost_at = self._lost_at, None
        if lost_at is not None and now() - lost_at >= self._away:
            self._reconnected()

    async def connect(self) -> None:
        await self._acknowledge()  # over the old socket: an acknowledgement on a new one is not understood
        await super().connect()  # type: ignore[no-untyped-call]  # slack_sdk does not say

    async def send_message(self, message: str) -> None:
        # slack_sdk would send it again over the next socket, which does not know the envelope.
        if self.current_session is not None and not self.current_session.closed:
            with contextlib.suppress(ConnectionError):
                await self.current_session.send_str(message)

    async def process_message(self) -> None:
        raw = await self.message_queue.get()
        try:
            message = halves.decode(raw, dict[str, object])
        except msgspec.DecodeError:
            log.warning("socket_noise", start=raw[:80])
            return
        if message.get("type") == "disconnect":
            # Slack also closes the socket: whichever is seen first connects anew, and only once.
            self.stale = True
            self._start(self.connect_to_new_endpoint(), self._reconnecting)
        else:
            listening = self.run_message_listeners(message, raw)  # pyright: ignore[reportUnknownMemberType]  # open dict
            self._start(listening, self._answering)

    def _start(self, work: Coroutine[None, None, None], tasks: set[asyncio.Task[None]]) -> None:
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(_note)

    async def leave(self) -> None:
        """Acknowledge what is under way, close, and leave no task behind."""
        await self._acknowledge()
        try:
            async with asyncio.timeout(CLOSE_WITHIN):
                await self.close()  # type: ignore[no-untyped-call]  # slack_sdk does not say
        except TimeoutError:
            await self.aiohttp_client_session.close()
        sdk = (self.message_processor, self.current_session_monitor, self.message_receiver)
        left = [task for task in (*sdk, *self._answering, *self._reconnecting) if task is not None and not task.done()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=CLOSE_WITHIN)

    async def _acknowledge(self) -> None:
        if self._answering:
            await asyncio.wait(self._answering, timeout=FINISH_WITHIN)


def _note(task: asyncio.Task[None]) -> None:
    """The client's monitor tries again; what went wrong is for the log."""
    problem = None if task.cancelled() else task.exception()
    if problem is not None:
        log.warning("socket_lost", problem=str(problem) or type(problem).__name__)
