"""A session over a WebSocket: what programs say goes in, what happens comes out, and neither waits for the other."""

from __future__ import annotations

import asyncio
from typing import Literal

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from adapters.http.asking import Gone, Question, asked
from adapters.http.call import Call
from adapters.http.deciding import decide
from adapters.http.endpoint import Endpoint
from adapters.http.errors import HttpError, invalid
from adapters.http.live import encode, frames
from adapters.http.live.events import may_stream, watched
from adapters.http.mishaps import mishap
from adapters.http.sessions import Known, known
from botkit.events import Allow, Answer, Decision, Deny
from botkit.watching import Watch

MAX_FRAME = 4 * 1024 * 1024
"""Bytes of one message of a program; files go by HTTP."""
PING = 30.0
"""Seconds between two pings; a client that answers none is gone."""
BYE = 2.0
"""Seconds a client has to say good-bye, too."""
MAX_TURNS = 20
"""Messages of one socket that may be at work or wait."""
LONG = 3600.0

Leave = Literal["stop", "finish"]


async def stream(call: Call) -> web.StreamResponse:
    """`?since=` goes on at a position; `?leave=stop` ends what this socket began when its client goes."""
    may_stream(call)
    _same_site(call)
    leave = call.request.query.get("leave", "finish")
    if leave not in ("stop", "finish"):
        raise invalid("leave", "expected stop or finish")
    found = await known(call, call.part("id"))
    since = call.request.query.get("since", "")
    socket = web.WebSocketResponse(heartbeat=PING, timeout=BYE, max_msg_size=MAX_FRAME, compress=False)
    talk = _Talk(call, found, socket, "stop" if leave == "stop" else "finish")
    try:
        with call.gateway.going.streaming(call), watched(found.bot, found.session.id, since) as (watch, forgotten):
            await socket.prepare(call.request)
            if forgotten:
                await talk.tell({"type": "reset"})
            telling = asyncio.create_task(talk.out(watch), name=f"live-{call.id}")
            try:
                await talk.heard()
            finally:
                telling.cancel()
                await asyncio.wait([telling])
                await talk.end()
    except HttpError:
        if not socket.prepared:
            raise
    return socket


class _Talk:
    """One open socket."""

    def __init__(self, call: Call, found: Known, socket: web.WebSocketResponse, leave: Leave) -> None:
        self._call, self._found, self._socket = call, found, socket
        self._leave: Leave = leave
        self._turns: set[asyncio.Task[None]] = set()

    async def tell(self, what: dict[str, object]) -> None:
        """Send one object; a client that takes nothing for too long is cut off."""
        try:
            async with asyncio.timeout(self._call.gateway.settings.slow_reader):
                await self._socket.send_str(msgspec.json.encode(what).decode())
        except TimeoutError:
            if (transport := self._call.request.transport) is not None:
                transport.abort()
        except ConnectionError:
            pass  # whoever reads the socket sees that too

    async def out(self, watch: Watch) -> None:
        """Tell what happens."""
        while True:
            for each in await watch.take(LONG):
                await self.tell(encode.seen(each))

    async def heard(self) -> None:
        """Do what the program says, until it goes."""
        async for message in self._socket:
            if message.type is not WSMsgType.TEXT:
                await self._socket.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"frames are JSON text")
                return
            ref = frames.ref(message.data)
            try:
                await self._obey(frames.parsed(message.data), ref)
            except Exception as problem:
                await self._fail(mishap(self._call, problem), ref)

    async def end(self) -> None:
        """What was begun here goes on, or ends, as the program asked for when it came."""
        problem = self._call.over
        if problem is not None:
            await self.tell({"type": "error", **problem.body("native")})
        if self._leave == "stop" and self._turns:
            for task in self._turns:
                task.cancel()
            await asyncio.wait(self._turns)
        if not self._socket.closed:
            refused = problem is not None and problem.status < 500
            await self._socket.close(code=WSCloseCode.POLICY_VIOLATION if refused else WSCloseCode.GOING_AWAY)

    async def _obey(self, frame: frames.Any, ref: dict[str, str]) -> None:
        match frame:
            case frames.Say():
                if len(self._turns) >= MAX_TURNS:
                    raise HttpError(429, "too_many_requests", f"{MAX_TURNS} messages of this socket are at work")
                task = self._call.gateway.tasks.start(self._say(frame, ref), f"say-{self._call.id}")
                self._turns.add(task)
                task.add_done_callback(self._turns.discard)
            case frames.Stop():
                where = self._found.conversation
                stopped = where is not None and await self._found.bot.stop(where)
                await self.tell({"type": "stopped", "stopped": stopped, **ref})
            case frames.Decide():
                decision: Decision = Allow(frame.for_session) if frame.allow else Deny(frame.reason)
                await self._decide(frame.request, decision, ref)
            case frames.AnswerQuestion():
                await self._decide(frame.request, Answer(tuple(tuple(each) for each in frame.labels)), ref)
            case frames.Ping():
                await self.tell({"type": "pong", **ref})

    async def _decide(self, request: str, decision: Decision, ref: dict[str, str]) -> None:
        await decide(self._call, request, decision)
        await self.tell({"type": "decided", "request": request, **ref})

    async def _say(self, frame: frames.Say, ref: dict[str, str]) -> None:
        """One message, metered like a request of its own."""

        async def handler(call: Call) -> web.StreamResponse:
            question = Question(
                self._found.bot,
                self._found.adapter,
                frame.text,
                session=self._found.name(call.key),
                user=frame.user,
                leave=self._leave,
            )
            async with asked(call, question) as answer:
                await self.tell({"type": "accepted", "turn": answer.turn, **ref})
                await answer.finished()
            return web.Response()

        endpoint = Endpoint("WS", self._call.endpoint.path, handler, "", scope="sessions", counts="run")
        call = Call(self._call.gateway, endpoint, self._call.request)
        call.key = self._call.key
        try:
            await call.gateway.metered(call)
        except HttpError as problem:
            await self._fail(problem, ref)
        except Gone:
            pass  # nobody hears it

    async def _fail(self, problem: HttpError, ref: dict[str, str]) -> None:
        await self.tell({"type": "error", **problem.body("native"), **ref})


def _same_site(call: Call) -> None:
    """A page may only open a socket from an origin the config names; programs send none. Raises HttpError 403."""
    origin = call.request.headers.get("Origin", "")
    if origin and not call.gateway.cors.allows(origin):
        raise HttpError(403, "origin_not_allowed", "pages of this origin may not use the gateway")
