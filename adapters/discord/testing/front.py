"""The front door: the REST API over HTTP, with authorization, budgets and scripted trouble."""

from __future__ import annotations

import math
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from adapters.discord.testing.faults import Fault, Faults
from adapters.discord.testing.limits import Verdict
from adapters.discord.testing.reading import read_body
from adapters.discord.testing.record import ApiCall
from adapters.discord.testing.routes import ROUTES
from adapters.discord.testing.routes.call import Answer, Call, Route
from adapters.discord.testing.site import Site
from adapters.discord.testing.troubles import Silence, reset
from adapters.discord.testing.wire import Json, Refusal, encode, is_mapping
from adapters.discord.testing.world import App

PREFIX = "/api/v10"
VIA = {"Via": "1.1 google"}
"""What Discord's own proxy adds; Cloudflare's bans lack it, and clients tell them apart by that."""
_AGENT = re.compile(r"DiscordBot \(\S+[, ] ?\S+\)")
"""https://docs.discord.com/developers/reference#user-agent: others may be blocked by Cloudflare."""
BAN_AFTER, BAN_SECONDS = 10_000, 600.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True, eq=False)
class Front:
    """Answers everything under `/api/v10`."""

    site: Site
    faults: Faults
    silence: Silence
    _invalid: deque[float] = field(default_factory=deque[float])

    def open(self, application: web.Application) -> None:
        for route in ROUTES:
            application.router.add_route(route.method, PREFIX + route.path, self._handler(route))
        application.router.add_route("*", "/api/{tail:.*}", self._nowhere)

    def _handler(self, route: Route) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._serve(route, request)

        return handle

    async def _serve(self, route: Route, request: web.Request) -> web.StreamResponse:
        record = ApiCall(route.name, request.path, time.monotonic())
        self.site.record.calls.append(record)
        fault: Fault | None = None
        verdict = Verdict({})
        answer: Answer | None
        try:
            self._watch_for_bans()
            call = await self._admit(route, request, record)
            verdict = self._spend(route, call)
            if verdict.wait:
                return self._limited(record, verdict.wait, verdict.headers, everywhere=verdict.everywhere)
            fault = self.faults.take(route.name, record.arguments)
            if fault is not None:
                record.fault = fault.kind
                if (trouble := await self._trouble(fault, request, record, call)) is not None:
                    return trouble
            answer, status = route.run(call), 200
        except Refusal as refusal:
            if refusal.status == 429:
                return _banned(record)
            record.code, answer, status = refusal.code or refusal.status, refusal.body, refusal.status
        if fault is not None and fault.kind.startswith("act_then_"):
            return await self._after(fault, request, record)
        return self._answer(record, 204 if answer is None else status, answer, verdict.headers)

    async def _admit(self, route: Route, request: web.Request, record: ApiCall) -> Call:
        """Authorize, then read. Raises Refusal."""
        app = None if route.open else self._authorize(request, record)
        body, files = await read_body(request)
        places = dict(request.match_info)
        record.files = len(files)
        record.arguments = {**(body if is_mapping(body) else {"": body}), **request.query, **places}
        record.arguments.pop("token", None)
        return Call(route.name, app, places, request.query, body, files, self.site)

    def _authorize(self, request: web.Request, record: ApiCall) -> App:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        app = self.site.directory.by_token(token) if scheme == "Bot" else None
        if app is None or app.revoked:
            if not token:
                self.site.record.violation(record.route, "no authorization header")
            raise Refusal(0, status=401, message="401: Unauthorized")
        if not _AGENT.match(request.headers.get("User-Agent", "")):
            self.site.record.violation(record.route, "no valid User-Agent: DiscordBot (url, version)")
        record.app = app.id
        return app

    def _spend(self, route: Route, call: Call) -> Verdict:
        major = "+".join(call.places[name] for name in route.major)
        sender = call.sender.id if call.sender else ""
        return self.site.budgets.spend(sender, route.name, route.bucket, major, counted=not route.open)

    async def _trouble(
        self, fault: Fault, request: web.Request, record: ApiCall, call: Call
    ) -> web.StreamResponse | None:
        """The answer of a fault that strikes before anything is done; None if the call goes on."""
        match fault.kind:
            case "429" | "global" | "shared":
                scope = {"429": "user"}.get(fault.kind, fault.kind)
                headers = {"X-RateLimit-Scope": scope} | ({"X-RateLimit-Global": "true"} if scope == "global" else {})
                return self._limited(record, fault.retry_after, headers, everywhere=scope == "global", code=fault.code)
            case "cloudflare":
                return _banned(record)
            case "5xx":
                return self._failed(record, fault.status)
            case "error":
                raise Refusal(fault.code)
            case "malformed":
                return _done(record, web.Response(body=b'{"id": "12', content_type="application/json", headers=VIA))
            case "timeout":
                return await self.silence.keep()
            case "reset":
                return reset(request)
            case "deleted" | "archived":
                self._spoil(fault, call)
                return None
            case _:
                return None

    async def _after(self, fault: Fault, request: web.Request, record: ApiCall) -> web.StreamResponse:
        match fault.kind:
            case "act_then_timeout":
                return await self.silence.keep()
            case "act_then_reset":
                return reset(request)
            case _:
                return self._failed(record, fault.status)

    def _spoil(self, fault: Fault, call: Call) -> None:
        room = self.site.directory.channels.get(call.places.get("channel", ""))
        if fault.kind == "archived" and room is not None:
            self.site.rooms.change_thread(room, archived=True, locked=True)
        post = self.site.directory.find_post(call.places.get("message", ""))
        if fault.kind == "deleted" and post is not None:
            self.site.rooms.remove(post)

    def _watch_for_bans(self) -> None:
        now = self.site.clock.now()
        while self._invalid and self._invalid[0] < now - BAN_SECONDS:
            self._invalid.popleft()
        if len(self._invalid) >= BAN_AFTER:
            raise Refusal(0, status=429)

    def _answer(self, record: ApiCall, status: int, body: Answer, headers: dict[str, str]) -> web.Response:
        if status in (401, 403):
            self._count_invalid(status)
        raw = b"" if body is None else encode(body)
        # Exactly this content type: with a charset behind it, discord.py takes the body for text.
        kind = {"Content-Type": "application/json"} if raw else {}
        response = _done(record, web.Response(status=status, body=raw, headers=VIA | kind | headers))
        self.site.record.changed()
        return response

    def _failed(self, record: ApiCall, status: int) -> web.Response:
        self.site.record.changed()
        return _done(record, web.Response(status=status, text="<html>bad gateway</html>", content_type="text/html"))

    def _limited(
        self, record: ApiCall, wait: float, headers: dict[str, str], *, everywhere: bool, code: int = 0
    ) -> web.Response:
        if headers.get("X-RateLimit-Scope") != "shared":
            self._count_invalid(429)
        body: Json = {"message": "You are being rate limited.", "retry_after": round(wait, 3), "global": everywhere}
        record.code = code
        sent = VIA | {"Retry-After": str(math.ceil(wait))} | headers
        raw = encode(body | ({"code": code} if code else {}))
        self.site.record.changed()
        return _done(record, web.Response(status=429, body=raw, headers=sent, content_type="application/json"))

    def _count_invalid(self, status: int) -> None:
        self.site.record.invalid[status] += 1
        self._invalid.append(self.site.clock.now())

    async def _nowhere(self, request: web.Request) -> web.Response:
        record = ApiCall("unknown", request.path, time.monotonic(), code=404)
        self.site.record.calls.append(record)
        self.site.record.violation("unknown", f"there is no {request.method} {request.path}")
        return self._answer(record, 404, {"message": "404: Not Found", "code": 0}, {})


def _banned(record: ApiCall) -> web.Response:
    """What Cloudflare says to those who made too many invalid requests."""
    return _done(record, web.Response(status=429, text="error code: 1015", headers={"Retry-After": "600"}))


def _done(record: ApiCall, response: web.Response) -> web.Response:
    record.done, record.status = time.monotonic(), response.status
    return response
