"""One request of a program, from its key to its usage record."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from adapters.http.adapter import HttpAdapter
from adapters.http.endpoint import Endpoint
from adapters.http.errors import HttpError, not_found, unavailable
from adapters.http.fields import wrong_body
from botkit.bot import Bot
from botkit.events import Usage
from botkit.ids import new_id
from botkit.keys import ApiKey
from botkit.usage import UsageRecord

if TYPE_CHECKING:
    from adapters.http.admin.admins import Admin
    from adapters.http.gateway import Gateway

Model = TypeVar("Model", bound=BaseModel)
NOTHING = Usage()

MOST_VALUES = 2_000_000
"""Commas in a body: each may stand for a value, which takes thirty times its room while the body is read, and its time
from everybody. Files, the reason for large bodies, have none."""


class Call:
    """What an endpoint's handler is given. It notes what the usage record will say."""

    def __init__(self, gateway: Gateway, endpoint: Endpoint, request: web.Request) -> None:
        self.gateway, self.endpoint, self.request = gateway, endpoint, request
        self.id = new_id()
        """Also of the message it becomes."""
        self.run = self.id
        """The run it begins, if it does; of a request that is sent again, that of the first."""
        self.raw = b""
        """The request's body."""
        self.bot = self.model = self.session = self.user = self.error = ""
        self.usage = NOTHING
        self.first = 0.0
        """Seconds to the first content."""
        self.headers: dict[str, str] = {"X-Request-Id": self.id}
        """What every answer carries: a handler that streams gives them to its response, others need not."""
        self.over: HttpError | None = None
        """Why it ends before its time: its key was taken away, or the gateway closes."""
        self._key: ApiKey | None = None
        self._admin: Admin | None = None
        self._at, self._began = time.time(), asyncio.get_running_loop().time()

    @property
    def key(self) -> ApiKey:
        """The verified key; of endpoints that need one."""
        assert self._key is not None, "this endpoint needs no key"
        return self._key

    @key.setter
    def key(self, key: ApiKey) -> None:
        self._key = key

    @property
    def admin(self) -> Admin:
        """The proven administrator; of endpoints that need one."""
        assert self._admin is not None, "this endpoint needs no administrator"
        return self._admin

    @admin.setter
    def admin(self, admin: Admin) -> None:
        self._admin = admin

    @property
    def seconds(self) -> float:
        """Since the request came."""
        return asyncio.get_running_loop().time() - self._began

    @property
    def due(self) -> float:
        """When its answer is due, in the loop's time."""
        return self._began + self.gateway.settings.request_time

    @property
    def created(self) -> int:
        """Unix seconds."""
        return int(self._at)

    @property
    def gone(self) -> bool:
        """The client has closed the connection."""
        transport = self.request.transport
        return transport is None or transport.is_closing()

    def part(self, name: str) -> str:
        """A part of the path."""
        return self.request.match_info[name]

    def parsed(self, model: type[Model]) -> Model:
        """The body. Raises HttpError 400 that names the wrong field, 413 for more values than there is room for."""
        if len(self.raw) > 2 * MOST_VALUES and self.raw.count(b",") > MOST_VALUES:
            raise HttpError(413, "request_too_large", f"the request has more than {MOST_VALUES} commas")
        try:
            return model.model_validate_json(self.raw)
        except ValidationError as error:
            raise wrong_body(error, self.raw) from None

    def query(self, model: type[Model]) -> Model:
        """What stands behind the `?` of the URL. Raises HttpError 400 that names the wrong field."""
        query = dict(self.request.query)
        try:
            return model.model_validate(query)
        except ValidationError as error:
            raise wrong_body(error, query) from None

    def reach(self, name: str, *, field: str = "") -> tuple[Bot, HttpAdapter]:
        """A bot that this key may use over HTTP. Raises HttpError 404, or 503 while it takes nothing."""
        bot = self.gateway.house.bots.get(name)
        adapter = http_adapter(bot) if bot is not None else None
        if bot is None or adapter is None or not self.key.scopes.bot(name):
            raise not_found(f"bot: {name[:100]!r}", field=field)
        if adapter.hub is None:
            raise unavailable(f"the bot {name} is not connected", code="stopping")
        return bot, adapter

    def record(self, status: int) -> UsageRecord:
        """What this request took."""
        return UsageRecord(
            id=self.id,
            at=self._at,
            key=self.key.id,
            endpoint=self.endpoint.name,
            bot=self.bot,
            model=self.model,
            session=self.session,
            user=self.user,
            input_tokens=self.usage.input_tokens,
            output_tokens=self.usage.output_tokens,
            cache_read_tokens=self.usage.cache_read_tokens,
            cache_write_tokens=self.usage.cache_write_tokens,
            cost=self.usage.cost,
            latency=self.seconds,
            first_token=self.first,
            status=status,
            error=self.error,
        )


def http_adapter(bot: Bot) -> HttpAdapter | None:
    """The adapter by which a bot is reachable over HTTP."""
    return next((adapter for adapter in bot.adapters.values() if isinstance(adapter, HttpAdapter)), None)


async def read_body(request: web.Request, most: int) -> bytes:
    """The whole body of at most `most` bytes. Raises HttpError 413, 400 for one that is not as its headers say."""
    if request.content_length is not None and request.content_length > most:
        raise _too_large(most)
    body = bytearray()
    try:
        while chunk := await request.content.readany():
            body += chunk
            if len(body) > most:
                raise _too_large(most)
    except web.RequestPayloadError:
        raise _broken() from None
    return bytes(body)


def whole_body(request: web.Request, most: int) -> bytes:
    """The same of a request all of which has come already: there is nothing to wait for."""
    try:
        body = request.content.read_nowait()
    except web.RequestPayloadError:
        raise _broken() from None
    if len(body) > most:
        raise _too_large(most)
    return body


def _broken() -> HttpError:
    return HttpError(400, "invalid_body", "the body is broken off, or not encoded as its headers say")


def _too_large(most: int) -> HttpError:
    return HttpError(413, "request_too_large", f"the request has more than {most} bytes")
