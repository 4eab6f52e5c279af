"""The long connection: events over a WebSocket that botkit opens, no public address needed. Reconnects for ever."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import aiohttp
import msgspec
import structlog

from adapters.feishu import frames
from adapters.feishu.api import Api, translate
from adapters.feishu.refusals import HINTS
from adapters.feishu.sdk import Frame
from adapters.feishu.wire import Json, read
from botkit import halves
from botkit.errors import AdapterError, NotAllowed, RateLimited, StoreError, Unreachable

log = structlog.get_logger("botkit.feishu")

PING = 120.0
"""Seconds between pings, unless Feishu says otherwise."""
OPEN_WITHIN = 15.0
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
STEADY = 60.0
"""Seconds after which a connection counts as good, so that the next loss is waited for briefly again."""
FINISH_WITHIN = 3.0
"""Seconds for what has arrived to be handed in and acknowledged when leaving."""
LARGEST = 8 * 1024 * 1024

Receive = Callable[[Json], Awaitable[Json]]


class _Config(msgspec.Struct):
    """What Feishu asks of its clients, in seconds."""

    PingInterval: float = PING


@asynccontextmanager
async def long_connection(api: Api, receive: Receive, opened: Callable[[], None]) -> AsyncGenerator[None]:
    """Receive while inside. `opened` is called for every connection, the first included.

    Entering waits for the first connection. Raises NotAllowed when Feishu refuses it for good, Unreachable when it
    cannot be reached.
    """
    async with aiohttp.ClientSession(trust_env=True, cookie_jar=aiohttp.DummyCookieJar()) as session:
        link = _Link(api, session, receive, opened)
        socket = await link.open()
        task = asyncio.create_task(link.keep(socket), name="feishu-connection")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
            await link.finish()


class _Link:
    """One connection after the other."""

    def __init__(self, api: Api, session: aiohttp.ClientSession, receive: Receive, opened: Callable[[], None]) -> None:
        self._api, self._session, self._receive, self._opened = api, session, receive, opened
        self._service, self._ping = 0, PING
        self._pieces = frames.Pieces()
        self._working: set[asyncio.Task[None]] = set()
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    async def open(self) -> aiohttp.ClientWebSocketResponse:
        """Raises AdapterErrors."""
        answer = await self._api.endpoint()
        url = answer.get("URL")
        if not isinstance(url, str):
            raise Unreachable("the long connection: Feishu named no address", acted=False)
        self._configure(answer.get("ClientConfig"))
        service = parse_qs(urlsplit(url).query).get("service_id", ["0"])[0]
        self._service = int(service) if service.isascii() and service.isdigit() else 0
        try:
            async with asyncio.timeout(OPEN_WITHIN):
                self._socket = await self._session.ws_connect(url, max_msg_size=LARGEST, autoping=True)
        except aiohttp.WSServerHandshakeError as problem:
            raise _turned_away(problem) from problem
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            raise translate(problem, "the long connection") from problem
        self._pieces = frames.Pieces()
        self._opened()
        return self._socket

    async def keep(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Receive for ever, over new connections when one is lost."""
        failures = 0
        while True:
            since = time.monotonic()
            await self._receive_all(socket)
            log.info("connection_lost", code=socket.close_code)
            failures = 0 if time.monotonic() - since > STEADY else failures + 1
            while True:
                wait = min(FIRST_WAIT * 2 ** min(failures, 8), LONGEST_WAIT)
                # Of many copies that lost it together not all come back at once.
                await asyncio.sleep(random.uniform(0.5, 1.0) * wait if failures > 1 else random.uniform(0.0, wait / 4))
                try:
                    socket = await self.open()
                    break
                except RateLimited as limited:
                    await asyncio.sleep(min(limited.retry_after, LONGEST_WAIT))
                except AdapterError as problem:
                    log.warning("not_connected", problem=str(problem))
                failures += 1

    async def finish(self) -> None:
        """Let what has arrived be answered, then close."""
        if self._working:
            await asyncio.wait(self._working, timeout=FINISH_WITHIN)
        for task in self._working:
            task.cancel()
        if self._working:
            await asyncio.wait(self._working)
        if self._socket is not None:
            await self._socket.close()

    async def _receive_all(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Until the connection is lost, or nothing has been heard for two pings."""
        pinging = asyncio.create_task(self._pings(socket), name="feishu-pings")
        try:
            while True:
                message = await socket.receive(timeout=self._ping * 2 + OPEN_WITHIN)
                if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED):
                    return
                if message.type is aiohttp.WSMsgType.ERROR:
                    return
                if message.type is aiohttp.WSMsgType.BINARY:
                    self._take(socket, message.data)
        except TimeoutError:
            log.warning("connection_silent")
            await socket.close()
        finally:
            pinging.cancel()
            await asyncio.wait([pinging])

    async def _pings(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while not socket.closed:
            try:
                await socket.send_bytes(frames.ping(self._service))
            except (aiohttp.ClientError, ConnectionError):
                return
            await asyncio.sleep(self._ping)

    def _take(self, socket: aiohttp.ClientWebSocketResponse, data: bytes) -> None:
        frame = frames.parse(data)
        if frame is None:
            log.warning("no_frame", size=len(data))
        elif frame.method == frames.CONTROL:
            if frames.header(frame, "type") == "pong" and frame.payload:
                self._configure(_json(frame.payload))
        elif (payload := self._pieces.add(frame)) is not None:
            task = asyncio.create_task(self._deliver(socket, frame, payload), name="feishu-delivery")
            self._working.add(task)
            task.add_done_callback(self._working.discard)

    async def _deliver(self, socket: aiohttp.ClientWebSocketResponse, frame: Frame, payload: bytes) -> None:
        since, code, said = time.monotonic(), 200, Json()
        try:
            said = await self._receive(read(_json(payload), Json) or {})
        except StoreError as problem:
            log.warning("not_acknowledged", problem=str(problem))
            code = 500
        took = int((time.monotonic() - since) * 1000)
        try:
            await socket.send_bytes(frames.answer(frame, code=code, data=said, milliseconds=took))
        except (aiohttp.ClientError, ConnectionError):
            log.info("acknowledgement_lost")  # delivered again, and then a repeat

    def _configure(self, given: object) -> None:
        config = read(given, _Config)
        if config is not None and config.PingInterval > 0:
            self._ping = config.PingInterval


def _turned_away(problem: aiohttp.WSServerHandshakeError) -> AdapterError:
    """Feishu's reason is in the headers of the handshake."""
    headers: Mapping[str, str] = problem.headers or {}
    status, said = headers.get("handshake-status", ""), headers.get("handshake-msg", "")
    inner = headers.get("handshake-autherrcode", "")
    code = next((each for each in (inner, status) if each in HINTS), "")
    says = f"the long connection: {said or f'HTTP {problem.status}'}"
    if code:
        return NotAllowed(f"{says}: {HINTS[code]}", code=code)
    return Unreachable(says, acted=False, code=inner or status)


def _json(data: bytes) -> object:
    try:
        return halves.decode(data, object)
    except msgspec.DecodeError:
        return None
