"""The webhook: events and callbacks posted to an app's request URL, encrypted and signed when it has a key."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

import aiohttp

from adapters.feishu.testing.clock import Clock
from adapters.feishu.testing.delivery import Attempt, Delivery
from adapters.feishu.testing.record import Record
from adapters.feishu.testing.secrecy import encrypted, signed
from adapters.feishu.testing.wire import Json, decoded, encode, mapping
from adapters.feishu.testing.world import App


@dataclass(slots=True, eq=False)
class Hooks:
    """Posts as Feishu posts."""

    session: aiohttp.ClientSession
    clock: Clock
    record: Record
    ack_seconds: float

    async def carry(self, delivery: Delivery, number: int) -> Attempt:
        return await self.post(delivery.app, delivery.envelope, number, within=self.ack_seconds)

    def cut(self, app: App) -> None:
        """There is nothing to cut."""

    async def verify(self, app: App, url: str) -> None:
        """Save a request URL, which must echo a challenge within a second. ValueError says what it did instead."""
        before, app.request_url, challenge = app.request_url, url, secrets.token_urlsafe(16)
        body: Json = {"challenge": challenge, "token": app.verification_token, "type": "url_verification"}
        attempt = await self.post(app, body, 0, within=self.ack_seconds / 3, sign=False)
        if attempt.problem or mapping(attempt.response).get("challenge") != challenge:
            app.request_url = before
            raise ValueError(f"the URL did not echo the challenge: {attempt.problem or attempt.response}")

    async def post(self, app: App, body: Json, number: int, *, within: float, sign: bool = True) -> Attempt:
        """One request; redirects are not followed and fail."""
        raw, headers = encode(body), {"Content-Type": "application/json; charset=utf-8"}
        if app.encrypt_key:
            raw = encode({"encrypt": encrypted(raw, app.encrypt_key)})
            if sign:
                timestamp, nonce = str(int(self.clock.wall())), str(secrets.randbelow(10**10))
                headers |= signed(raw, app.encrypt_key, timestamp, nonce)
        begun = time.monotonic()
        try:
            timeout = aiohttp.ClientTimeout(total=within)
            async with self.session.post(
                app.request_url, data=raw, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                response, status = await answer.read(), answer.status
        except TimeoutError:
            return Attempt(number, begun, time.monotonic() - begun, "timeout")
        except aiohttp.ClientError as problem:
            return Attempt(number, begun, time.monotonic() - begun, f"connection failed: {type(problem).__name__}")
        refused = "" if status == 200 else f"HTTP {status}"
        return Attempt(
            number, begun, time.monotonic() - begun, refused, status, decoded(response) if response else None
        )
