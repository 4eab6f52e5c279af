"""The gateway alone: the real web server and site over a memory store, without any bot."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
from aiohttp import web

from adapters.http.call import Call
from adapters.http.endpoint import Endpoint
from adapters.http.gateway import Gateway
from adapters.http.routes import ENDPOINTS
from adapters.http.settings import GatewaySettings
from botkit.bot import Bot
from botkit.keys import ApiKey
from botkit.protocols import Store
from botkit.redact import Redactor
from botkit.stores.memory import MemoryStore
from botkit.testing.store_values import NOW
from botkit.tokens import new_key
from botkit.web import Unknown, Web

BOOTSTRAP = "bootstrap-0123456789abcdef-0123456789"
PATIENCE = 10.0
"""Seconds a test waits at most."""


@dataclass
class Empty:
    """A house without bots."""

    store: Store
    server: Web
    host: str = "127.0.0.1"
    bots: Mapping[str, Bot] = field(default_factory=dict[str, Bot])
    owner: str = "test"
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    redactor: Redactor = field(default_factory=lambda: Redactor(frozenset()))

    def mount(
        self,
        method: str,
        path: str,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
        *,
        seconds: float | None = 30.0,
    ) -> None:
        self.server.mount(method, path, handler, seconds=seconds)

    def on_close(self, call: Callable[[], None]) -> None:
        self.server.on_close.append(call)

    def on_unknown(self, prefix: str, answer: Unknown) -> None:
        self.server.on_unknown[prefix] = answer


@dataclass
class Gate:
    """A gateway that listens."""

    store: Store
    url: str
    http: aiohttp.ClientSession
    site: Gateway

    async def key(self, **changes: Any) -> tuple[ApiKey, str]:
        """A key with these fields, and its token."""
        key, token = new_key("test", "tests", NOW)
        key = replace(key, **changes)
        assert await self.store.keys.put(key)
        return key, token.text

    async def ask(
        self, path: str = "/v1/models", token: str = "", *, method: str = "GET", **more: Any
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Status, JSON (None when there is none), headers."""
        headers = {**more.pop("headers", {}), **({"Authorization": f"Bearer {token}"} if token else {})}
        async with self.http.request(method, self.url + path, headers=headers, **more) as answer:
            json = await answer.json() if answer.content_type == "application/json" else None
            return answer.status, json, answer.headers

    async def admin(self, method: str, path: str, json: Any = None, *, token: str = BOOTSTRAP) -> tuple[int, Any]:
        """As an administrator."""
        more = {} if json is None else {"json": json}
        status, body, _ = await self.ask(path, token, method=method, **more)
        return status, body


async def echo(call: Call) -> web.Response:
    """Answers with what it was sent, as a metered endpoint does."""
    call.bot, call.model = "helper", "opus"
    return web.Response(body=call.raw)


ECHO = Endpoint("POST", "/echo", echo, "What was sent", scope="echo", counts="run")


@asynccontextmanager
async def gate(
    store: Store | None = None, *more: Endpoint, host: str = "127.0.0.1", **settings: Any
) -> AsyncGenerator[Gate]:
    """`settings` are those of [gateway]; `host` is where the config says that the server listens."""
    site = Gateway(GatewaySettings.model_validate(settings), (*ENDPOINTS, ECHO, *more))
    server = Web("127.0.0.1", 0)
    async with store or MemoryStore() as opened:
        house = Empty(opened, server, host)
        async with site.open(house), server, aiohttp.ClientSession() as session:
            yield Gate(opened, server.url, session, site)
