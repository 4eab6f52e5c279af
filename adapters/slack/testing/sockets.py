"""Socket Mode, Slack's side: hello, envelopes that must be answered within three seconds, disconnects.

https://docs.slack.dev/apis/events-api/using-socket-mode: at most ten sockets an app, each envelope goes to one.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from typing import Literal

import msgspec
from aiohttp import WSMsgType, web

from adapters.slack.testing.delivery import Attempt, Delivery
from adapters.slack.testing.directory import Directory
from adapters.slack.testing.record import Record
from adapters.slack.testing.wire import Json, decode, encode, is_mapping
from adapters.slack.testing.world import App

MAX_SOCKETS = 10
PING_SECONDS = 10.0
Reason = Literal["warning", "refresh_requested", "link_disabled", "too_many_websockets"]


@dataclass(slots=True, eq=False)
class Link:
    """One open socket of an app."""

    app: App
    socket: web.WebSocketResponse
    transport: asyncio.Transport | None
    waiting: dict[str, asyncio.Future[object]] = field(default_factory=dict[str, asyncio.Future[object]])
    late: set[str] = field(default_factory=set[str])
    """Envelopes whose answer came too late or not yet."""

    async def send(self, body: Json) -> bool:
        try:
            await self.socket.send_str(encode(body).decode())
        except ConnectionError:
            return False
        return True

    async def disconnect(self, reason: Reason) -> None:
        await self.send({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-loopback"}})


@dataclass(slots=True, eq=False)
class Sockets:
    """All sockets of all apps."""

    directory: Directory
    record: Record
    ack_seconds: float
    links: list[Link] = field(default_factory=list[Link])
    tickets: dict[str, str] = field(default_factory=dict[str, str])
    """Unused connection tickets and the app each is for."""
    _turn: int = 0

    def ticket(self, app: App) -> str:
        """The secret part of a socket's address; good for one connection."""
        ticket = secrets.token_urlsafe(16)
        self.tickets[ticket] = app.id
        return ticket

    def of(self, app: App) -> list[Link]:
        return [link for link in self.links if link.app is app and not link.socket.closed]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One socket's whole life."""
        app_id = self.tickets.pop(request.query.get("ticket", ""), "")
        if app_id not in self.directory.apps:
            self.record.violation("socket", "connected with a used or unknown address")
            return web.Response(status=401, text="ticket is not valid")
        socket = web.WebSocketResponse(heartbeat=PING_SECONDS, timeout=0.5)
        await socket.prepare(request)
        link = Link(self.directory.apps[app_id], socket, request.transport)
        if len(self.of(link.app)) >= MAX_SOCKETS:
            self.record.violation("socket", f"more than {MAX_SOCKETS} at once")
            await link.disconnect("too_many_websockets")
            await socket.close()
            return socket
        self.links.append(link)
        await self._greet(link)
        try:
            await self._receive(link)
        finally:
            self._forget(link)
        return socket

    async def carry(self, delivery: Delivery, number: int, reason: str) -> Attempt:
        """Send an envelope to one of the app's sockets and wait for its answer."""
        begun = time.monotonic()
        links = self.of(delivery.app)
        if not links:
            return Attempt(number, begun, 0.0, "connection_failed")
        self._turn += 1
        link = links[self._turn % len(links)]
        envelope_id = secrets.token_hex(16)
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        link.waiting[envelope_id] = answer
        try:
            if not await link.send(_envelope(envelope_id, delivery, number, reason)):
                raise ConnectionError("socket closed")
            async with asyncio.timeout(self.ack_seconds):
                payload = await answer
        except TimeoutError:
            link.late.add(envelope_id)
            return Attempt(number, begun, time.monotonic() - begun, "timeout")
        except ConnectionError:
            return Attempt(number, begun, time.monotonic() - begun, "connection_failed")
        finally:
            link.waiting.pop(envelope_id, None)
        return Attempt(number, begun, time.monotonic() - begun, "", 200, payload)

    async def cut(self, app: App) -> None:
        """Break an app's sockets without a word."""
        for link in self.of(app):
            self._forget(link)
            if (transport := link.transport) is not None:
                transport.abort()

    async def disconnect(self, app: App, reason: Reason) -> None:
        """Say `disconnect`; a warning leaves the socket open, anything else closes it."""
        for link in self.of(app):
            await link.disconnect(reason)
            if reason != "warning":
                await link.socket.close()

    async def close(self) -> None:
        for link in list(self.links):
            await link.socket.close()

    async def _greet(self, link: Link) -> None:
        await link.send(
            {
                "type": "hello",
                "num_connections": len(self.of(link.app)),
                "debug_info": {"host": "applink-loopback", "build_number": 1, "approximate_connection_time": 18060},
                "connection_info": {"app_id": link.app.id},
            }
        )
        self.record.changed()

    async def _receive(self, link: Link) -> None:
        async for frame in link.socket:
            if frame.type is WSMsgType.TEXT:
                self._answered(link, str(frame.data))

    def _answered(self, link: Link, text: str) -> None:
        try:
            body = decode(text)
        except msgspec.DecodeError:
            body = None
        if not is_mapping(body) or not isinstance(body.get("envelope_id"), str):
            self.record.violation("socket", f"sent what is no acknowledgement: {text[:80]}")
            return
        envelope_id = str(body["envelope_id"])
        answer = link.waiting.get(envelope_id)
        if answer is not None and not answer.done():
            answer.set_result(body.get("payload"))
        elif envelope_id in link.late:
            link.late.discard(envelope_id)
        else:
            self.record.violation("socket", "acknowledged an unknown envelope, or one twice")

    def _forget(self, link: Link) -> None:
        if link in self.links:
            self.links.remove(link)
        for answer in link.waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionError("socket closed"))
        self.record.changed()


def _envelope(envelope_id: str, delivery: Delivery, number: int, reason: str) -> Json:
    body: Json = {
        "envelope_id": envelope_id,
        "type": delivery.kind,
        "payload": delivery.payload,
        "accepts_response_payload": delivery.kind != "events_api",
    }
    if delivery.kind == "events_api":
        body |= {"retry_attempt": number, "retry_reason": reason}
    return body
