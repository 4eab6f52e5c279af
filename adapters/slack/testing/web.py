"""The loopback Slack's front door: the Web API over HTTP, with authentication, budgets and scripted trouble."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from dataclasses import dataclass, field

from aiohttp import web

from adapters.slack.testing.arguments import Arguments, read_arguments
from adapters.slack.testing.faults import Fault, Faults
from adapters.slack.testing.methods import METHODS, Call, Method
from adapters.slack.testing.record import ApiCall
from adapters.slack.testing.site import Site
from adapters.slack.testing.wire import Json, Refusal, encode
from adapters.slack.testing.world import App

SILENCE_SECONDS = 120.0
"""How long a scripted timeout stays silent at most."""
EVERYWHERE = frozenset({"team_id"})
"""Bolt adds it to every call, whether the method knows it or not."""


@dataclass(slots=True, eq=False)
class Front:
    """Answers `/api/{method}`."""

    site: Site
    faults: Faults
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    async def api(self, request: web.Request) -> web.StreamResponse:
        call = ApiCall(request.match_info["method"], "", {}, time.monotonic())
        self.site.record.calls.append(call)
        fault: Fault | None = None
        try:
            method, app, arguments = await self._admit(request, call)
            fault = self.faults.take(call.method, call.arguments)
            if fault is not None:
                call.fault = fault.kind
                trouble = await self.trouble(fault, request, call)
                if trouble is not None:
                    return trouble
            wait = self.site.budgets.spend(app.id, call.method, method.tier, arguments.text("channel"))
            if wait:
                return self._limited(call, wait)
            body = {"ok": True, **method.run(Call(call.method, app, arguments, self.site))}
        except Refusal as refusal:
            body = refusal.body
        if fault is not None and fault.kind.startswith("act_then_"):
            return await self._after(fault, request, call)
        return self._answer(call, body, request)

    async def trouble(self, fault: Fault, request: web.Request, call: ApiCall) -> web.StreamResponse | None:
        """The answer of a fault that strikes before anything is done; None if the call goes on."""
        match fault.kind:
            case "429":
                return self._limited(call, fault.retry_after)
            case "5xx":
                return self._failed(call, fault.status)
            case "error":
                return self._answer(call, {"ok": False, "error": fault.error}, request)
            case "malformed":
                return _done(call, web.Response(body=b'{"ok": true, "channel": "C0', content_type="application/json"))
            case "timeout":
                return await self.silence()
            case "reset":
                return reset(request)
            case "deleted":
                self._delete_target(call)
                return None
            case _:
                return None

    async def silence(self) -> web.StreamResponse:
        """No answer until the server closes."""
        self.site.record.changed()
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                await self.closing.wait()
        except TimeoutError:
            pass
        return web.Response(status=504)

    async def _after(self, fault: Fault, request: web.Request, call: ApiCall) -> web.StreamResponse:
        match fault.kind:
            case "act_then_timeout":
                return await self.silence()
            case "act_then_reset":
                return reset(request)
            case _:
                return self._failed(call, fault.status)

    async def _admit(self, request: web.Request, call: ApiCall) -> tuple[Method, App, Arguments]:
        """Read and authenticate; raises Refusal in the order in which Slack looks."""
        values, was_json = await read_arguments(request)
        call.arguments = {name: value for name, value in values.items() if name != "token"}
        method = METHODS.get(call.method)
        if method is None:
            raise Refusal("unknown_method", req_method=call.method)
        if was_json and not method.json and call.arguments:
            self.site.record.violation(call.method, "takes no JSON: its arguments were ignored")
            call.arguments = dict(request.query)
        for name in call.arguments.keys() - method.arguments - EVERYWHERE:
            self.site.record.violation(call.method, f"has no argument {name!r}")
        app = self._authenticate(request, values, method, call)
        arguments = Arguments(call.arguments, lambda what: self.site.record.violation(call.method, what))
        Call(call.method, app, arguments, self.site).need(*method.scopes)
        return method, app, arguments

    def _authenticate(self, request: web.Request, values: Json, method: Method, call: ApiCall) -> App:
        if "token" in request.query:
            self.site.record.violation(call.method, "token in the address")
            raise Refusal("invalid_auth")
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        token = token if scheme == "Bearer" else str(values.get("token") or "")
        if not token:
            self.site.record.violation(call.method, "no bearer token")
            raise Refusal("not_authed")
        app = self.site.directory.by_token(token)
        if app is None:
            raise Refusal("invalid_auth")
        call.app = app.id
        if app.revoked:
            raise Refusal("token_revoked")
        if (token == app.app_token) != (method.token == "app"):
            raise Refusal("not_allowed_token_type")
        if method.token == "app" and "connections:write" not in app.app_scopes:
            raise Refusal("missing_scope", needed="connections:write", provided=",".join(sorted(app.app_scopes)))
        return app

    def _delete_target(self, call: ApiCall) -> None:
        channel = self.site.directory.channels.get(str(call.arguments.get("channel")))
        ts = str(call.arguments.get("ts") or call.arguments.get("timestamp") or call.arguments.get("thread_ts"))
        if channel is not None and ts in channel.posts:
            self.site.rooms.remove(channel.posts[ts])

    def _answer(self, call: ApiCall, body: Json, request: web.Request) -> web.Response:
        call.error = str(body.get("error") or "")
        if request.content_type == "application/json" and request.charset is None and "warning" not in body:
            body |= {"warning": "missing_charset"}
        headers: dict[str, str] = {}
        app = self.site.directory.apps.get(call.app)
        if app is not None and call.method in METHODS:
            headers["x-oauth-scopes"] = ",".join(sorted(app.scopes))
            headers["x-accepted-oauth-scopes"] = ",".join(METHODS[call.method].scopes)
        return _done(
            call, web.Response(body=encode(body), headers=headers, content_type="application/json", charset="utf-8")
        )

    def _failed(self, call: ApiCall, status: int) -> web.Response:
        call.error = "http_error"
        return _done(call, web.Response(status=status, text="<html>Sorry!</html>", content_type="text/html"))

    def _limited(self, call: ApiCall, retry_after: int | None) -> web.Response:
        call.error = "ratelimited"
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        body = encode({"ok": False, "error": "ratelimited"})
        self.site.record.changed()
        return _done(call, web.Response(status=429, body=body, headers=headers, content_type="application/json"))


def _done(call: ApiCall, response: web.Response) -> web.Response:
    call.done, call.status = time.monotonic(), response.status
    return response


def reset(request: web.Request) -> web.Response:
    """Break the connection with a TCP reset."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=500)
