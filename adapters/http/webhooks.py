"""Posts the outcome of a run to the program that asked: signed, tried again, and never into a private network.

Signed as the Standard Webhooks specification says, so that its libraries verify it: headers `webhook-id`,
`webhook-timestamp` and `webhook-signature`, with a secret of each key's own (`GET /api/webhooks/secret`).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import socket
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver, ResolveResult

from adapters.http.api.run_shape import shown
from adapters.http.errors import HttpError, invalid
from adapters.http.settings import WebhookSettings
from botkit.keys import ApiKey
from botkit.runs import Run

log = structlog.get_logger("botkit")

PAUSES = (1.0, 5.0, 25.0)
"""Seconds between two tries."""
ANSWER_WITHIN = 10.0
"""Seconds the receiver has to answer a try."""
PASSING = (408, 425, 429)
"""Refusals that may pass, beside all that is the receiver's own fault."""


class Webhooks:
    """Those of one gateway. Entered before the first run ends."""

    def __init__(self, settings: WebhookSettings, *, pauses: Sequence[float] = PAUSES) -> None:
        self._secret = settings.secret.get_secret_value().encode()
        self._open = tuple(ip_network(each) for each in settings.allow)
        self._pauses = pauses
        self._http: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        connector = aiohttp.TCPConnector(resolver=_Guarded(self), use_dns_cache=False, limit=50)
        timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as self._http:
            yield

    def secret(self, key: str) -> str:
        """What the webhooks of the key with this id are signed with. Raises HttpError 404 where there are none."""
        if not self._secret:
            raise HttpError(404, "webhooks_off", "webhooks are not set up here ([gateway.webhooks] secret)")
        return f"whsec_{base64.b64encode(self._derived(key)).decode()}"

    def allowed(self, url: str, key: ApiKey) -> str:
        """The address, if a webhook may go there; '' stays ''. Raises HttpError 400."""
        if not url:
            return ""
        if not self._secret:
            raise invalid("webhook", "webhooks are not set up here ([gateway.webhooks] secret)")
        del key
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname or "", parts.port
        except ValueError:
            raise invalid("webhook", "is no URL") from None
        if (
            parts.scheme not in ("https", "http")
            or not host
            or parts.username
            or parts.password
            or not url.isprintable()
        ):
            raise invalid("webhook", "expected https://host/path, without a name or password")
        if parts.scheme == "http" and not self._open:
            raise invalid("webhook", "expected https://")
        try:
            literal = ip_address(host)
        except ValueError:
            return url
        if not self.reachable(str(literal)):
            raise invalid("webhook", "webhooks do not go to this address")
        return url

    def reachable(self, address: str) -> bool:
        """Whether a webhook may go to this IP address: a public one, or one that the config names."""
        found = ip_address(address.partition("%")[0])
        found = getattr(found, "ipv4_mapped", None) or found
        if any(found in network for network in self._open):
            return True
        return found.is_global and not found.is_multicast

    async def post(self, run: Run) -> None:
        """Tell the program. Returns when it knows, or when it was tried often enough."""
        if not run.webhook or not self._secret:
            return
        body = shown(run).model_dump_json().encode()
        status = await self._try(run, body)
        for pause in self._pauses:
            if 0 < status < 500 and status not in PASSING:
                break
            await asyncio.sleep(pause)
            status = await self._try(run, body)
        if 200 <= status < 300:
            return
        log.warning("webhook_undelivered", run=run.id, status=status)

    async def _try(self, run: Run, body: bytes) -> int:
        """The receiver's status; 0: there was none."""
        assert self._http is not None, "not opened"
        if urlsplit(run.webhook).scheme == "http" and not self._open:
            return 403  # the config has changed since
        try:
            headers = {"Content-Type": "application/json", "User-Agent": "botkit", **self._signature(run, body)}
            async with self._http.post(run.webhook, data=body, headers=headers, allow_redirects=False) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as problem:
            log.info("webhook_failed", run=run.id, problem=type(problem).__name__)
            return 0

    def _signature(self, run: Run, body: bytes) -> dict[str, str]:
        id, at = f"run_{run.id}", str(int(time.time()))
        digest = hmac.new(self._derived(run.key), f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
        signature = f"v1,{base64.b64encode(digest).decode()}"
        return {"webhook-id": id, "webhook-timestamp": at, "webhook-signature": signature}

    def _derived(self, key: str) -> bytes:
        """A secret for each key, so that none can sign for another."""
        return hmac.new(self._secret, f"webhook:{key}".encode(), hashlib.sha256).digest()


class _Guarded(AbstractResolver):
    """Finds addresses and gives out none that a webhook may not go to: what was checked is what is connected to."""

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        results = [
            ResolveResult(hostname=host, host=str(address[0]), port=port, family=kind, proto=0, flags=0)
            for kind, _, _, _, address in found
            if self._webhooks.reachable(str(address[0]))
        ]
        if not results:
            raise OSError(f"webhooks do not go to {host}")
        return results

    async def close(self) -> None:
        pass
