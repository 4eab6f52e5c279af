"""The gateway: from a request to its endpoint and back, with its key, its limits and its usage record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import asynccontextmanager
from functools import partial

from aiohttp import web

from adapters.http.adapter import HttpAdapter
from adapters.http.admin.admins import Admins
from adapters.http.asking import Gone
from adapters.http.auth import Auth
from adapters.http.call import Call, read_body, whole_body
from adapters.http.client import Proxies
from adapters.http.cors import Cors
from adapters.http.endpoint import Endpoint, methods_by_path
from adapters.http.errors import HttpError, not_found, outside_scope
from adapters.http.failures import Failures
from adapters.http.going import Going
from adapters.http.idempotency import once
from adapters.http.mishaps import mishap
from adapters.http.places import Places
from adapters.http.rates import rate_headers
from adapters.http.revoked import end_runs
from adapters.http.routes import ENDPOINTS
from adapters.http.runs import RunDesk
from adapters.http.sending import large, sent
from adapters.http.settings import GatewaySettings
from adapters.http.verify import KeyAuth, refuse_open_door
from adapters.http.webhooks import Webhooks
from botkit.keyring import Keyring
from botkit.ledger import Ledger
from botkit.protocols import Adapter
from botkit.sites import House
from botkit.tasks import Tasks

BODY_WITHIN = 30.0
"""Seconds a client has to send its request."""
FREE_BODY = 256 * 1024
"""Bytes of a request that needs no place: who has taken all of theirs can still stop and decide what is at work."""
CLOSE_WITHIN = 5.0
"""Seconds that are left to what goes on without its client when botkit stops."""
CLIENT_GONE = 499
"""The status of a request whose client closed the connection, in usage records."""


class Gateway:
    """Implements `Site`."""

    house: House
    auth: Auth
    admins: Admins
    ledger: Ledger
    desk: RunDesk

    def __init__(self, settings: GatewaySettings, endpoints: Sequence[Endpoint] = ENDPOINTS) -> None:
        self.settings = settings
        self.endpoints = [each for each in endpoints if settings.admin.any or not each.admin]
        self.cors = Cors(settings.cors)
        self._requests = Places("requests", settings.max_requests, settings.max_requests_per_key)
        self._streams = Places("open streams", settings.max_streams, settings.max_streams_per_key)
        self.webhooks = Webhooks(settings.webhooks)
        self.tasks = Tasks()
        """What goes on when its client has gone; waited for when the gateway closes."""
        self.going = Going()

    @asynccontextmanager
    async def open(self, house: House) -> AsyncGenerator[None]:
        """See `Site.open`."""
        self.house, settings, store = house, self.settings, house.store
        ring, proxies = Keyring(store.keys), Proxies(settings.trusted_proxies)
        failures = Failures(settings.failures_per_minute)
        self.auth = KeyAuth(store.keys, ring, proxies, failures)
        self.admins = Admins(settings.admin, proxies, failures)
        await refuse_open_door(house, settings.admin)
        for endpoint in self.endpoints:
            house.mount(endpoint.method, endpoint.path, partial(self._serve, endpoint), seconds=None)
        house.on_close(self.going.close)
        house.on_unknown("/v1/", _unknown)
        if settings.cors:
            for path, methods in methods_by_path(self.endpoints).items():
                house.mount("OPTIONS", path, partial(self.cors.preflight, methods), seconds=None)
        async with self.webhooks.opened(), Ledger(store.meter, store.keys, ring.used) as self.ledger:
            self.desk = RunDesk(store, self.ledger)
            self.desk.on_end.append(self.webhooks.post)
            for bot in house.bots.values():
                bot.on_connect.append(partial(self._attach, bot.name))
            async with self.going.watched(self.auth, partial(end_runs, house.bots.values(), ring)):
                try:
                    yield
                finally:
                    await self.tasks.drain(CLOSE_WITHIN)

    def _attach(self, bot: str, adapter: Adapter) -> None:
        """Runs may end before the first request: what a crash cut off, or went on during a reload."""
        if isinstance(adapter, HttpAdapter):
            adapter.attach(self.desk, bot)

    async def _serve(self, endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
        call = Call(self, endpoint, request)
        call.headers |= self.cors.headers(request)
        try:
            response = await self._answer(call)
        except Gone:
            response = web.Response(status=CLIENT_GONE)  # nobody reads it
        except Exception as problem:
            response = mishap(call, problem).response(endpoint.shape)
        if not response.prepared:
            response.headers.update(call.headers)
        return response

    async def _answer(self, call: Call) -> web.StreamResponse:
        endpoint, request = call.endpoint, call.request
        # Who it is first: the bodies of strangers are not read.
        if endpoint.open:
            return await endpoint.handler(call)
        if endpoint.admin:
            call.admin = await self.admins.prove(request)
            call.raw = await self._body(call)
            return await endpoint.handler(call)
        call.key = await self.auth.key(request)
        response: web.StreamResponse | None = None
        if endpoint.counted == "stream":
            places = self._streams
        elif endpoint.counted in ("work", "run") or (request.body_exists and endpoint.counted != "free"):
            places = self._requests
        else:
            response = await self._allowed(call)
            if not large(response):
                return response
            places = self._requests
        places.take(key := call.key.id)
        try:
            if response is None:
                response = await self._allowed(call)
            if large(response):
                await sent(call, response)
            return response
        finally:
            places.give_back(key)

    async def _allowed(self, call: Call) -> web.StreamResponse:
        """Read it all and let it do what its key may."""
        endpoint, key = call.endpoint, call.key
        call.raw = await self._body(call)
        await self.auth.signed(call.request, key, call.raw)
        if endpoint.scope and not key.scopes.endpoint(endpoint.scope):
            raise outside_scope(endpoint.path)
        return await (_handled(call) if endpoint.counted == "free" else self.metered(call))

    async def metered(self, call: Call) -> web.StreamResponse:
        """Within the key's limits; whatever comes of work is recorded."""
        key, counted = call.key, call.endpoint.counted
        run = counted == "run"
        begun = await self.ledger.begin(key, call.id, run=run)
        call.headers |= rate_headers(key.limits if run else key.limits.of_requests, begun.spent, time.time())
        if begun.refused is not None:
            said = f"this API key is at its limit: {begun.refused.replace('_', ' ')}"
            raise HttpError(429, begun.refused, said, retry_after=begun.retry_after)
        if counted in ("look", "stream"):
            return await _handled(call)
        status = 500
        self.going.enter(call)
        try:
            response = await _handled(call)
            status = response.status
            return response
        except Gone:
            status, call.error = CLIENT_GONE, "client_gone"
            raise
        except Exception as problem:
            told = mishap(call, problem)
            status, call.error = told.status, told.code
            raise told from None
        finally:
            self.going.leave(call)
            await self.ledger.end(call.record(status))

    async def _body(self, call: Call) -> bytes:
        if not call.request.body_exists:
            return b""
        most = FREE_BODY if call.endpoint.counted == "free" else self.settings.max_body
        if call.request.content.is_eof():  # it came with its head: nothing to wait for
            return whole_body(call.request, most)
        try:
            async with asyncio.timeout(BODY_WITHIN):
                return await read_body(call.request, most)
        except TimeoutError:
            raise HttpError(408, "request_timeout", f"the request was not sent within {BODY_WITHIN:g} s") from None


def _unknown(request: web.Request, allowed: Collection[str]) -> web.Response:
    """Below /v1/ whoever asks reads the errors of one of two APIs only."""
    anthropic = request.path.startswith("/v1/messages") or "anthropic-version" in request.headers
    problem = not_found("path")
    if allowed:
        problem = HttpError(405, "method_not_allowed", f"this path takes {', '.join(sorted(allowed))}")
    return problem.response("anthropic" if anthropic else "openai")


async def _handled(call: Call) -> web.StreamResponse:
    return await once(call) if call.endpoint.repeatable else await call.endpoint.handler(call)
