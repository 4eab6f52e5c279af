"""slack_sdk's client as far as it is used here, with the types it leaves open."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Protocol

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

Json = dict[str, Any]


class Answer(Protocol):
    """`data` is an object unless Slack answered with something else."""

    @property
    def data(self) -> Json | bytes: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def status_code(self) -> int: ...


class WebClient(Protocol):
    """The one method through which every call goes, and what it sends them with."""

    session: aiohttp.ClientSession | None
    proxy: str | None

    @property
    def base_url(self) -> str: ...

    async def api_call(
        self, api_method: str, *, http_verb: str = "POST", params: Json | None = None, json: Json | None = None
    ) -> Answer: ...


def logger(name: str) -> logging.Logger:
    """A logger for the SDK. With no level of its own it would format every request for a log that nobody keeps."""
    made = logging.getLogger(f"botkit.slack.{name}")
    made.setLevel(logging.ERROR)
    return made


def web_client(token: str, base_url: str, *, timeout: float, proxy: str | None) -> WebClient:
    """A client that never repeats a call."""
    client = AsyncWebClient(
        token=token, base_url=base_url, timeout=int(timeout), retry_handlers=[], logger=logger("web")
    )
    client.proxy = proxy  # not by argument: with None it would read the environment, and not know NO_PROXY
    return client
