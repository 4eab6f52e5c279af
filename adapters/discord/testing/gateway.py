"""The gateway, Discord's side: hello, identify, events with sequence numbers, resuming, heartbeats and closing.

https://docs.discord.com/developers/events/gateway
"""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field

import msgspec
from aiohttp import WSMessage, WSMsgType, web

from adapters.discord.testing.links import Link
from adapters.discord.testing.permissions import GUILDS, KNOWN_INTENTS, PRIVILEGED
from adapters.discord.testing.record import Record
from adapters.discord.testing.sessions import Session, Sessions
from adapters.discord.testing.wire import Json, decode, is_mapping, is_number, mapping, number, string
from adapters.discord.testing.world import App

MAX_PAYLOAD = 4096
SENDS, SENDS_SECONDS = 120, 60.0
FATAL = {4004, 4010, 4011, 4012, 4013, 4014}
"""After these a client must not come back by itself."""


class Closing(Exception):
    """The connection is to be closed with that code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


@dataclass(slots=True)
class Gateway:
    """All connections of all apps."""

    sessions: Sessions
    record: Record
    heartbeat_seconds: float
    links: list[Link] = field(default_factory=list[Link])
    refusing: bool = False
    """Takes no new connections."""
    identify_seconds: float = 0.0
    """Between two sessions of an app; who identifies earlier gets "invalid session"."""
    _identified: dict[str, float] = field(default_factory=dict[str, float])

    def of(self, app: App) -> list[Link]:
        return [link for link in self.links if link.session is not None and link.session.app is app]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection's whole life."""
        if self.refusing:
            return web.Response(status=503)
        socket = web.WebSocketResponse(timeout=0.5, compress=False, max_msg_size=1 << 20)
        await socket.prepare(request)
        link = Link(socket, request.transport, resumed_address=request.path.startswith("/resume"))
        if request.query.get("compress") == "zlib-stream":
            link.compress()
        self.links.append(link)
        writer = asyncio.create_task(link.write())
        try:
            link.send({"op": 10, "d": {"heartbeat_interval": int(self.heartbeat_seconds * 1000), "_trace": []}})
            await self._receive(link, request.query.get("v", ""))
        except Closing as closing:
            await link.drained()
            await socket.close(code=closing.code, message=closing.reason.encode())
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            self._forget(link)
        return socket

    async def _receive(self, link: Link, version: str) -> None:
        if version not in ("9", "10"):
            raise Closing(4012, "Invalid API version.")
        while True:
            frame = await self._next(link)
            if frame.type is WSMsgType.CLOSE:
                link.left = int(frame.data or 1005)
            if frame.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            raw = frame.data if isinstance(frame.data, bytes) else str(frame.data).encode()
            self._paced(link, raw)
            if link.frozen:
                continue
            try:
                body = decode(raw)
            except msgspec.DecodeError:
                raise Closing(4002, "Error while decoding payload.") from None
            if not is_mapping(body) or not is_number(body.get("op")):
                raise Closing(4002, "Error while decoding payload.")
            self._handle(link, number(body["op"]), body.get("d"))

    async def _next(self, link: Link) -> WSMessage:
        """The next frame; whoever does not send heartbeats is closed."""
        patience = link.last_beat + 1.5 * self.heartbeat_seconds + 0.5 - time.monotonic()
        try:
            async with asyncio.timeout(max(0.0, patience)):
                return await link.socket.receive()
        except TimeoutError:
            if not link.frozen:
                self.record.violation("gateway", f"no heartbeat within {1.5 * self.heartbeat_seconds:g} s")
            raise Closing(4009, "Session timed out.") from None

    def _paced(self, link: Link, raw: bytes) -> None:
        if len(raw) > MAX_PAYLOAD:
            self.record.violation("gateway", f"sent {len(raw)} bytes, more than {MAX_PAYLOAD}")
            raise Closing(4002, "Error while decoding payload.")
        now = time.monotonic()
        link.sends = [at for at in link.sends if at > now - SENDS_SECONDS] + [now]
        if len(link.sends) > SENDS:
            self.record.violation("gateway", f"sent more than {SENDS} times in {SENDS_SECONDS:g} s")
            raise Closing(4008, "Rate limited.")

    def _handle(self, link: Link, op: int, data: object) -> None:
        match op:
            case 1:
                link.last_beat = time.monotonic()
                link.beats += 1
                link.send({"op": 11})
                self.record.changed()
            case 2:
                self._identify(link, mapping(data))
            case 6:
                self._resume(link, mapping(data))
            case 3 | 4 | 8 | 31 if link.session is not None:
                return
            case 3 | 4 | 8 | 31:
                raise Closing(4003, "Not authenticated.")
            case _:
                self.record.violation("gateway", f"unknown opcode {op}")
                raise Closing(4001, "Unknown opcode.")

    def _identify(self, link: Link, data: Json) -> None:
        if link.session is not None:
            raise Closing(4005, "Already authenticated.")
        app = self._authenticate(data)
        properties = mapping(data.get("properties"))
        if not all(string(properties.get(name)) for name in ("os", "browser", "device")):
            raise Closing(4002, "Error while decoding payload.")
        intents = data.get("intents")
        if not is_number(intents) or intents < 0 or intents & ~KNOWN_INTENTS:
            raise Closing(4013, "Invalid intent(s).")
        if intents & PRIVILEGED & ~app.privileged:
            raise Closing(4014, "Disallowed intent(s).")
        now = time.monotonic()
        if now - self._identified.get(app.id, -math.inf) < self.identify_seconds:
            link.send({"op": 9, "d": False})
            return
        self._identified[app.id] = now
        session = self.sessions.open(app, intents, link)
        self.sessions.greet(session)
        if intents & GUILDS:
            self.sessions.introduce(session)
        self.record.changed()

    def _resume(self, link: Link, data: Json) -> None:
        if link.session is not None:
            raise Closing(4005, "Already authenticated.")
        app = self._authenticate(data)
        if not link.resumed_address:
            self.record.violation("gateway", "resumed elsewhere than at resume_gateway_url")
        session = self.sessions.find(string(data.get("session_id")), app)
        if session is None:
            link.send({"op": 9, "d": False})
            return
        sequence = data.get("seq")
        if not is_number(sequence) or not 0 <= sequence <= session.sequence:
            raise Closing(4007, "Invalid seq.")
        self.sessions.resume(session, link, sequence)
        self.record.changed()

    def _authenticate(self, data: Json) -> App:
        app = self.sessions.directory.by_token(string(data.get("token")).removeprefix("Bot "))
        if app is None or app.revoked:
            raise Closing(4004, "Authentication failed.")
        return app

    async def end(self, app: App, code: int, reason: str = "") -> None:
        """Close the app's connections with a code."""
        for link in self.of(app):
            await link.socket.close(code=code, message=reason.encode())

    async def close(self) -> None:
        for link in list(self.links):
            await link.socket.close(code=1001)

    def cut(self, app: App) -> None:
        """Break the app's connections without a word."""
        for link in self.of(app):
            self._forget(link)
            if link.transport is not None:
                link.transport.abort()

    def _forget(self, link: Link) -> None:
        if link in self.links:
            self.links.remove(link)
        session: Session | None = link.session
        if session is not None and session.link is link:
            self.sessions.leave(session, link.left)
        self.record.changed()
