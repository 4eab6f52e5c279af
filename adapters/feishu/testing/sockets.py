"""The long connection: an address for every client, and each event to one client of the app, chosen at random."""

from __future__ import annotations

import asyncio
import base64
import binascii
import random
import secrets
import time
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from adapters.feishu.testing.delivery import Attempt, Delivery
from adapters.feishu.testing.directory import Directory
from adapters.feishu.testing.frames import CONTROL, DATA, Frame, decode_frame
from adapters.feishu.testing.record import Record
from adapters.feishu.testing.wire import Json, compact, decoded, encode, is_mapping, number, string
from adapters.feishu.testing.world import App

MAX_LINKS = 50
"""https://open.feishu.cn/document/server-docs/event-subscription-guide/event-subscription-configure-/request-url-configuration-case"""
AUTH_FAILED, EXCEED_CONN_LIMIT, FORBIDDEN = 514, 1000040350, 403
"""As the SDKs know them from the headers of a refused handshake."""


@dataclass(slots=True, eq=False)
class Link:
    """One connection of one client."""

    app: App
    socket: web.WebSocketResponse
    transport: asyncio.Transport | asyncio.BaseTransport | None
    service: int
    pings: int = 0
    frozen: bool = False
    """Open, but nothing comes and nothing is answered."""
    waiting: dict[str, asyncio.Future[Json]] = field(default_factory=dict[str, asyncio.Future[Json]])
    """By message id: what the acknowledgement says."""
    late: set[str] = field(default_factory=set[str])
    """Message ids whose acknowledgement came too late or not yet."""


@dataclass(slots=True, eq=False)
class Sockets:
    """All connections of all apps. `config` is what clients are told about pings and reconnecting."""

    directory: Directory
    record: Record
    ack_seconds: float
    fragment: int
    """Bytes of payload in one frame at most."""
    config: Json
    refusing: bool = False
    """Take no new connections."""
    links: list[Link] = field(default_factory=list[Link])
    _tickets: dict[str, str] = field(default_factory=dict[str, str])

    def address(self, app: App, origin: str) -> str:
        """Where a client may connect, once."""
        ticket = secrets.token_urlsafe(16)
        self._tickets[ticket] = app.id
        host = origin.removeprefix("http://")
        device, service = secrets.randbelow(10**18), 33554678
        return f"ws://{host}/ws/v2?fpid=493&aid=552564&device_id={device}&service_id={service}&ticket={ticket}"

    def of(self, app: App) -> list[Link]:
        return [link for link in self.links if link.app is app and not link.socket.closed]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection's whole life."""
        app_id = self._tickets.pop(request.query.get("ticket", ""), "")
        app = self.directory.apps.get(app_id)
        if app is None:
            self.record.violation("ws", "connected to a used or unknown address")
            return _refused(AUTH_FAILED, "ticket is invalid", 1000040345)
        if self.refusing:
            return _refused(FORBIDDEN, "forbidden", 0)
        if len(self.of(app)) >= MAX_LINKS:
            return _refused(AUTH_FAILED, "the number of connections exceeded the limit", EXCEED_CONN_LIMIT)
        socket = web.WebSocketResponse(timeout=0.5)
        await socket.prepare(request)
        link = Link(app, socket, request.transport, int(request.query.get("service_id", "0")))
        self.links.append(link)
        self.record.changed()
        try:
            await self._receive(link)
        finally:
            self._forget(link)
        return socket

    async def carry(self, delivery: Delivery, number: int) -> Attempt:
        """Send an event to one of the app's clients and wait for its acknowledgement."""
        begun = time.monotonic()
        links = self.of(delivery.app)
        if not links:
            return Attempt(number, begun, 0.0, "no connection")
        link = random.choice(links)
        message_id = secrets.token_hex(16)
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        link.waiting[message_id] = answer
        try:
            await self._send(link, message_id, encode(delivery.envelope))
            async with asyncio.timeout(self.ack_seconds):
                body = await answer
        except TimeoutError:
            link.late.add(message_id)
            return Attempt(number, begun, time.monotonic() - begun, "timeout")
        except ConnectionError:
            return Attempt(number, begun, time.monotonic() - begun, "connection failed")
        finally:
            link.waiting.pop(message_id, None)
        return _attempt(number, begun, body)

    async def _send(self, link: Link, message_id: str, payload: bytes) -> None:
        if link.frozen:
            return
        parts = [payload[at : at + self.fragment] for at in range(0, len(payload), self.fragment)]
        for index, part in enumerate(parts):
            headers = {"type": "event", "message_id": message_id, "sum": str(len(parts)), "seq": str(index)}
            headers |= {"trace_id": secrets.token_hex(16), "timestamp": str(int(time.time() * 1000))}
            frame = Frame(DATA, link.service, headers, part, sequence=index + 1, log=secrets.randbelow(2**63))
            await link.socket.send_bytes(frame.encode())

    def cut(self, app: App) -> None:
        """Break an app's connections without a word."""
        for link in self.of(app):
            self._forget(link)
            if isinstance(link.transport, asyncio.Transport):
                link.transport.abort()

    async def disconnect(self, app: App, code: int = 1000) -> None:
        """Close an app's connections in order."""
        for link in self.of(app):
            await link.socket.close(code=code)

    async def close(self) -> None:
        for link in list(self.links):
            await link.socket.close()

    async def _receive(self, link: Link) -> None:
        async for message in link.socket:
            if link.frozen:
                continue
            if message.type is not WSMsgType.BINARY:
                self.record.violation("ws", "sent a frame that is not binary")
                continue
            try:
                frame = decode_frame(message.data)
            except (ValueError, UnicodeDecodeError) as problem:
                self.record.violation("ws", f"sent what is no frame: {problem}")
                continue
            await self._take(link, frame)

    async def _take(self, link: Link, frame: Frame) -> None:
        kind = frame.headers.get("type", "")
        if frame.method == CONTROL and kind == "ping":
            link.pings += 1
            if frame.service != link.service:
                self.record.violation("ws", "a ping without the service_id of the address")
            pong = Frame(CONTROL, link.service, {"type": "pong"}, encode(self.config))
            await link.socket.send_bytes(pong.encode())
            self.record.changed()
        elif frame.method == DATA:
            self._acknowledged(link, frame)
        else:
            self.record.violation("ws", f"sent an unknown frame of type {kind!r}")

    def _acknowledged(self, link: Link, frame: Frame) -> None:
        message_id, body = frame.headers.get("message_id", ""), decoded(frame.payload)
        if not is_mapping(body) or "code" not in body:
            self.record.violation("ws", f"acknowledged with no code: {frame.payload[:80]!r}")
            return
        if "biz_rt" not in frame.headers and body.get("code") == 200:
            self.record.violation("ws", "acknowledged without biz_rt")
        answer = link.waiting.get(message_id)
        if answer is not None and not answer.done():
            answer.set_result(body)
        elif message_id in link.late:
            link.late.discard(message_id)
        else:
            self.record.violation("ws", "acknowledged an unknown event, or one twice")

    def _forget(self, link: Link) -> None:
        if link in self.links:
            self.links.remove(link)
        for answer in link.waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionError("connection closed"))
        self.record.changed()


def _attempt(count: int, begun: float, body: Json) -> Attempt:
    code, data = number(body.get("code")), string(body.get("data"))
    response: object = None
    problem = "" if code == 200 else f"code {code}"
    if data:
        try:
            response = decoded(base64.b64decode(data, validate=True))
        except binascii.Error:
            problem = "data is no base64"
    return Attempt(count, begun, time.monotonic() - begun, problem, code, response)


def _refused(status: int, message: str, auth: int) -> web.Response:
    headers = {"handshake-status": str(status), "handshake-msg": message, "handshake-autherrcode": str(auth)}
    return web.Response(status=403, headers=headers, text=compact({"code": status, "msg": message}))
