"""The Events API over HTTP, Slack's side: signed requests, three seconds for an answer, reasons for retries."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import aiohttp
import msgspec

from adapters.slack.testing.delivery import Attempt, Delivery
from adapters.slack.testing.wire import decode, encode, string
from adapters.slack.testing.world import App

FORM = "application/x-www-form-urlencoded"


@dataclass(slots=True, eq=False)
class Hooks:
    """Posts to apps' request URLs."""

    session: aiohttp.ClientSession
    ack_seconds: float

    async def carry(self, delivery: Delivery, number: int, reason: str) -> Attempt:
        kind, body = encoded(delivery)
        headers = {"Content-Type": kind}
        if number:
            headers |= {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": reason}
        return await self.post(delivery.app, body, headers, number)

    async def cut(self, app: App) -> None:
        """There is no lasting connection to break."""

    async def post(self, app: App, body: bytes, headers: Mapping[str, str], number: int = 0) -> Attempt:
        """Send a signed request; the attempt says what came of it."""
        begun = time.monotonic()
        try:
            async with (
                asyncio.timeout(self.ack_seconds),
                self.session.post(
                    app.request_url, data=body, headers={**signed(app, body), **headers}, max_redirects=2
                ) as answer,
            ):
                raw = await answer.read()
        except TimeoutError:
            return Attempt(number, begun, time.monotonic() - begun, "http_timeout")
        except aiohttp.TooManyRedirects:
            return Attempt(number, begun, time.monotonic() - begun, "too_many_redirects")
        except aiohttp.ClientError:
            return Attempt(number, begun, time.monotonic() - begun, "connection_failed")
        ok = 200 <= answer.status < 300
        return Attempt(
            number,
            begun,
            time.monotonic() - begun,
            "" if ok else "http_error",
            answer.status,
            _body(raw),
            final=not ok and answer.headers.get("X-Slack-No-Retry") == "1",
        )


def signed(app: App, body: bytes, *, at: float | None = None, secret: str = "") -> dict[str, str]:
    """Slack's signature headers; `at` and `secret` make stale and forged ones."""
    timestamp = str(int(time.time() if at is None else at))
    base = b"v0:" + timestamp.encode() + b":" + body
    digest = hmac.new((secret or app.signing_secret).encode(), base, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={digest}"}


def encoded(delivery: Delivery) -> tuple[str, bytes]:
    """Content type and raw body: JSON for events, forms for actions and commands."""
    match delivery.kind:
        case "events_api":
            return "application/json", encode(delivery.payload)
        case "interactive":
            return FORM, urlencode({"payload": encode(delivery.payload).decode()}).encode()
        case "slash_commands":
            return FORM, urlencode({name: string(value) for name, value in delivery.payload.items()}).encode()


def _body(raw: bytes) -> object:
    if not raw:
        return None
    try:
        return decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return raw.decode(errors="replace")
