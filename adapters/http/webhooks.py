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
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import aiohttp
import structlog
from yarl import URL

from adapters.http.api.run_shape import shown
from adapters.http.errors import HttpError, invalid
from adapters.http.settings import WebhookSettings
from botkit.runs import Run

log = structlog.get_logger("botkit")

PAUSES = (1.0, 5.0, 25.0)
"""Seconds between two tries."""
ANSWER_WITHIN = 10.0
"""Seconds the receiver has to answer a try."""
PASSING = (408, 425, 429)
"""Refusals that may pass, beside all that is the receiver's own fault."""
_TRANSLATED = (ip_network("64:ff9b::/96"), ip_network("::/96"))
"""IPv6 addresses that end with the IPv4 address they lead to: NAT64, and its oldest ancestor."""


class Webhooks:
    """Those of one gateway. Entered before the first run ends."""

    def __init__(self, settings: WebhookSettings, *, pauses: Sequence[float] = PAUSES) -> None:
        self._secret = settings.secret.get_secret_value().encode()
        self._open = tuple(ip_network(each) for each in settings.allow)
        self._pauses = pauses
        self._http: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        connector = aiohttp.TCPConnector(socket_factory=self._socket, use_dns_cache=False, limit=50)
        timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as self._http:
            yield

    def secret(self, key: str) -> str:
        """What the webhooks of the key with this id are signed with. Raises HttpError 404 where there are none."""
        if not self._secret:
            raise HttpError(404, "webhooks_off", "webhooks are not set up here ([gateway.webhooks] secret)")
        return f"whsec_{base64.b64encode(self._derived(key)).decode()}"

    def allowed(self, url: str) -> str:
        """The address, if a webhook may go there; '' stays ''. Raises HttpError 400."""
        if not url:
            return ""
        if not self._secret:
            raise invalid("webhook", "webhooks are not set up here ([gateway.webhooks] secret)")
        try:
            to = URL(url)  # read as it will be when it is posted to: there `１２７.0.0.1` is an address, too
        except ValueError:
            raise invalid("webhook", "is no URL") from None
        if to.scheme not in ("https", "http") or not to.raw_host or to.user or to.password or not url.isprintable():
            raise invalid("webhook", "expected https://host/path, without a name or password")
        if to.scheme == "http" and not self._open:
            raise invalid("webhook", "expected https://")
        try:
            literal = ip_address(to.raw_host)
        except ValueError:
            return url  # what the name leads to is looked at when a connection is made
        if not self.reachable(str(literal)):
            raise invalid("webhook", "webhooks do not go to this address")
        return url

    def reachable(self, address: str) -> bool:
        """Whether a webhook may go to this IP address: a public one, or one that the config names."""
        found = _destination(ip_address(address.partition("%")[0]))
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
        if URL(run.webhook).scheme == "http" and not self._open:
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

    def _socket(self, address: tuple[Any, ...]) -> socket.socket:
        """For every connection, whoever found the address and however: what is checked is what is connected to."""
        family, kind, protocol, _, to = address
        if not self.reachable(to[0]):
            raise OSError("webhooks do not go to this address")
        return socket.socket(family, kind, protocol)

    def _derived(self, key: str) -> bytes:
        """A secret for each key, so that none can sign for another."""
        return hmac.new(self._secret, f"webhook:{key}".encode(), hashlib.sha256).digest()


def _destination(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Where packets to it end: some IPv6 addresses are another way to write an IPv4 address."""
    if isinstance(address, IPv4Address):
        return address
    if any(address in network for network in _TRANSLATED):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
