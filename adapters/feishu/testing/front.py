"""The loopback Feishu's front door: REST over HTTP, with tokens, scopes, budgets and scripted trouble."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from aiohttp import BodyPartReader, web

from adapters.feishu.testing.faults import Fault, Faults
from adapters.feishu.testing.limits import limited
from adapters.feishu.testing.record import ApiCall
from adapters.feishu.testing.routes import ROUTES, Call, Download, Route
from adapters.feishu.testing.site import Site
from adapters.feishu.testing.wire import Json, Refusal, decoded, encode, is_mapping
from adapters.feishu.testing.world import App

SILENCE_SECONDS = 120.0
"""How long a scripted timeout stays silent at most."""
SECRETS = frozenset({"app_secret", "AppSecret"})
Files = Mapping[str, tuple[str, bytes]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True, eq=False)
class Front:
    """Answers the REST API and gives out addresses of the long connection."""

    site: Site
    faults: Faults
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    def mount(self, application: web.Application) -> None:
        for route in ROUTES:
            application.router.add_route(route.method, route.path, self._handler(route))
        application.router.add_post("/callback/ws/endpoint", self.endpoint)
        application.router.add_route("*", "/{path:.*}", self.unknown)

    def _handler(self, route: Route) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self.answer(route, request)

        return handle

    async def answer(self, route: Route, request: web.Request) -> web.StreamResponse:
        call = ApiCall(route.name, request.path, time.monotonic())
        self.site.record.calls.append(call)
        try:
            body, files = await self._read(route, request)
            call.arguments = {**body, **request.query, **request.match_info}
            call.arguments = {name: value for name, value in call.arguments.items() if name not in SECRETS}
        except Refusal as refusal:
            return self._refuse(call, refusal)
        fault = self.faults.take(route.name, call.arguments)
        if fault is not None:
            call.fault = fault.kind
            trouble = await self._trouble(fault, request, call)
            if trouble is not None:
                return trouble
        response = self._run(route, request, call, body, files)
        if fault is not None and fault.kind.startswith("act_then_"):
            return await self._after(fault, request, call)
        return response

    def _run(self, route: Route, request: web.Request, call: ApiCall, body: Json, files: Files) -> web.Response:
        try:
            app = self._admit(route, request, call)
            made = Call(route.name, app, self.site, dict(request.match_info), dict(request.query), body, files)
            made.need(*route.scopes)
            self.site.budgets.gateway(app.id, route.name)
            for name in (body.keys() | request.query.keys() | files.keys()) - route.fields:
                made.violation(f"has no field {name!r}")
            result = route.run(made)
        except Refusal as refusal:
            return self._refuse(call, refusal)
        if isinstance(result, Download):
            headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(result.name)}"}
            return self._done(call, web.Response(body=result.data, headers=headers, content_type=result.media_type))
        answer: Json = result if "code" in result else {"code": 0, "msg": "success", "data": result}
        return self._done(call, _json(answer))

    def _admit(self, route: Route, request: web.Request, call: ApiCall) -> App:
        """The app whose token it is. Methods that need none run as nobody in particular."""
        if route.open:
            return next(iter(self.site.directory.apps.values()))
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            self.site.record.violation(route.name, "no access token")
            raise Refusal(99991661)
        app = self.site.directory.by_token(token)
        if app is None:
            raise Refusal(99991663)
        call.app = app.id
        return app

    async def _read(self, route: Route, request: web.Request) -> tuple[Json, Files]:
        if route.multipart:
            return await _parts(request)
        raw = await request.read()
        if not raw:
            return {}, {}
        # The official SDK asks for its token without naming a type at all.
        if "Content-Type" in request.headers and request.content_type != "application/json":
            self.site.record.violation(route.name, f"body of type {request.content_type}")
        body = decoded(raw)
        if not is_mapping(body):
            raise Refusal(9499, "Bad Request: the body is no JSON object")
        return body, {}

    async def _trouble(self, fault: Fault, request: web.Request, call: ApiCall) -> web.StreamResponse | None:
        """The answer of a fault that strikes before anything is done; None if the call goes on."""
        match fault.kind:
            case "429":
                return self._refuse(call, limited(fault.retry_after, status=fault.status or 429))
            case "5xx":
                return self._failed(call, fault.status or 502)
            case "error":
                return self._refuse(call, Refusal(fault.code, status=fault.status or 400))
            case "malformed":
                return self._done(call, web.Response(body=b'{"code":0,"data":{"mess', content_type="application/json"))
            case "timeout":
                return await self._silence()
            case "reset":
                return _reset(request)
            case "deleted":
                self._delete_target(call)
                return None
            case _:
                return None

    async def _after(self, fault: Fault, request: web.Request, call: ApiCall) -> web.StreamResponse:
        match fault.kind:
            case "act_then_timeout":
                return await self._silence()
            case "act_then_reset":
                return _reset(request)
            case _:
                return self._failed(call, fault.status or 502)

    async def _silence(self) -> web.StreamResponse:
        """No answer until the server closes."""
        self.site.record.changed()
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                await self.closing.wait()
        except TimeoutError:
            pass
        return web.Response(status=504)

    def _delete_target(self, call: ApiCall) -> None:
        post = self.site.directory.find_post(str(call.arguments.get("message_id")))
        if post is not None:
            self.site.rooms.recall(post, "group_owner")
        self.site.directory.cards.pop(str(call.arguments.get("card_id")), None)

    async def endpoint(self, request: web.Request) -> web.StreamResponse:
        """`POST /callback/ws/endpoint`: where an app with its secret may connect."""
        call = ApiCall("ws.endpoint", request.path, time.monotonic())
        self.site.record.calls.append(call)
        body = decoded(await request.read())
        given: Json = body if is_mapping(body) else {}
        call.arguments = {name: value for name, value in given.items() if name not in SECRETS}
        fault = self.faults.take("ws.endpoint", call.arguments)
        if fault is not None:
            call.fault = fault.kind
            if fault.kind == "error":
                return self._done(call, _json({"code": fault.code, "msg": "refused"}))
            trouble = await self._trouble(fault, request, call)
            if trouble is not None:
                return trouble
        app = self.site.directory.apps.get(str(given.get("AppID")))
        if app is None or given.get("AppSecret") != app.secret:
            call.code, call.message = 10014, "app secret invalid"
            return self._done(call, _json({"code": 10014, "msg": "app secret invalid", "data": None}))
        call.app = app.id
        url = self.site.sockets.address(app, self.site.origin)
        data: Json = {"URL": url, "ClientConfig": self.site.sockets.config}
        return self._done(call, _json({"code": 0, "msg": "", "data": data}))

    async def unknown(self, request: web.Request) -> web.StreamResponse:
        self.site.record.violation("http", f"no such method: {request.method} {request.path}")
        return web.Response(status=404, text="404 page not found")

    def _refuse(self, call: ApiCall, refusal: Refusal) -> web.Response:
        call.code, call.message = refusal.code, refusal.message
        response = _json(refusal.body, status=refusal.status)
        response.headers.update(refusal.headers)
        return self._done(call, response)

    def _failed(self, call: ApiCall, status: int) -> web.Response:
        return self._done(call, web.Response(status=status, text="<html>Bad Gateway</html>", content_type="text/html"))

    def _done(self, call: ApiCall, response: web.Response) -> web.Response:
        call.done, call.status = time.monotonic(), response.status
        self.site.record.changed()
        return response


async def _parts(request: web.Request) -> tuple[Json, Files]:
    if not request.content_type.startswith("multipart/"):
        raise Refusal(234001)
    fields: Json = {}
    files: dict[str, tuple[str, bytes]] = {}
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None:
            raise Refusal(234001)
        data = bytes(await part.read())
        if part.filename is None and part.name not in ("file", "image"):
            fields[part.name] = data.decode()
        else:
            files[part.name] = (part.filename or "", data)
    return fields, files


def _json(body: Json, status: int = 200) -> web.Response:
    return web.Response(body=encode(body), status=status, content_type="application/json", charset="utf-8")


def _reset(request: web.Request) -> web.Response:
    """Break the connection with a TCP reset."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=500)
