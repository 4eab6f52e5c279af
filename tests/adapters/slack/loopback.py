"""The loopback Slack with the real Slack SDK at its door."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.testing import App, LoopbackSlack
from adapters.slack.testing.wire import Json, decode, encode, mapping

Listener = Callable[..., Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Sdk:
    """The real client; its methods by name, because the SDK's signatures are only half typed."""

    web: AsyncWebClient

    async def __call__(self, method: str, **arguments: object) -> Json:
        """Call `client.METHOD(...)`; raises SlackApiError as the SDK does."""
        response = await getattr(self.web, method)(**arguments)
        return mapping(decode(encode(response.data)))

    async def raw(self, method: str, **ways: object) -> Json:
        """A method by Slack's own name, arguments as `json=` or `params=`."""
        return await self("api_call", api_method=method, **ways)


def client_of(slack: LoopbackSlack, app: App | None = None, *, timeout: int = 5, token: str | None = "") -> Sdk:
    """The real client, without its own retries."""
    token = (app or slack.app).bot_token if token == "" else token
    return Sdk(AsyncWebClient(token=token, base_url=slack.url, timeout=timeout, retry_handlers=[]))


async def error_of(answer: Awaitable[Json]) -> str:
    """The code with which Slack refused."""
    with pytest.raises(SlackApiError) as refused:
        await answer
    return str(answer_in(refused.value).get("error"))


def answer_in(refused: SlackApiError) -> Json:
    """The refusal's whole body."""
    return mapping(decode(encode(vars(refused)["response"].data)))


def status_in(refused: SlackApiError) -> int:
    return int(vars(refused)["response"].status_code)


def header_in(refused: SlackApiError, name: str) -> str:
    """A header of the refusal, '' if it is not there."""
    return str(vars(refused)["response"].headers.get(name, ""))


def on(bolt: AsyncApp, kind: Literal["event", "action", "command"], name: str, listener: Listener) -> None:
    """Register a listener; Bolt's own decorators are only half typed."""
    getattr(bolt, kind)(name)(listener)


@dataclass(slots=True)
class Heard:
    """What a Bolt app was told."""

    events: list[Json]

    def kinds(self) -> list[object]:
        return [event.get("subtype") or event.get("type") for event in self.events]


def listening(slack: LoopbackSlack, app: App | None = None) -> tuple[AsyncApp, Heard]:
    """A Bolt app that acknowledges everything and remembers it."""
    app = app or slack.app
    bolt = AsyncApp(
        client=client_of(slack, app).web, signing_secret=app.signing_secret, ignoring_self_events_enabled=False
    )
    heard = Heard([])

    async def hear(event: Json) -> None:
        heard.events.append(event)
        slack.record.changed()

    for kind in ("app_mention", "message", "member_joined_channel", "file_shared", "app_home_opened"):
        on(bolt, "event", kind, hear)
    on(bolt, "event", "assistant_thread_started", hear)
    return bolt, heard


@asynccontextmanager
async def socket_of(slack: LoopbackSlack, bolt: AsyncApp, app: App | None = None) -> AsyncGenerator[None, None]:
    """The Bolt app connected in Socket Mode."""
    handler = AsyncSocketModeHandler(bolt, (app or slack.app).app_token, ping_interval=1)
    before = slack.sockets(app)
    await _untyped(handler, "connect_async")
    await slack.connected(before + 1, app)
    try:
        yield
    finally:
        await _untyped(handler, "close_async")


async def _untyped(handler: AsyncSocketModeHandler, method: str) -> None:
    await getattr(handler, method)()
