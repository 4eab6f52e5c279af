"""Proves API keys: by their token, where they come from, whether they may be used now, and their signature."""

from __future__ import annotations

import time

from aiohttp import web

from adapters.http.admin.settings import AdminSettings
from adapters.http.auth import presented
from adapters.http.client import Proxies
from adapters.http.errors import HttpError
from adapters.http.failures import Failures
from botkit import signing
from botkit.addresses import loopback
from botkit.errors import ConfigError
from botkit.keyring import KeyRefused, Keyring
from botkit.keys import ApiKey
from botkit.roles import Keys
from botkit.sites import House

IN_URL = frozenset(("api_key", "apikey", "api-key", "access_token", "token", "x-api-key"))
"""Parameters of a URL that hold a key by mistake."""


class KeyAuth:
    """Implements `Auth` with the keys of the store."""

    def __init__(self, keys: Keys, ring: Keyring, proxies: Proxies, failures: Failures) -> None:
        self._keys, self._ring, self._proxies, self._failures = keys, ring, proxies, failures

    async def key(self, request: web.Request) -> ApiKey:
        """See `Auth.key`."""
        address, text = client(request, self._proxies), presented(request)
        if request.query_string and _in_url(request):
            said = "never put an API key in the URL, where logs keep it: send `Authorization: Bearer bk_…`"
            raise self._failures.note(address, HttpError(401, "key_in_url", f"{said}; this one should be replaced"))
        if not text:
            raise self._failed(address, "no API key: send it as `Authorization: Bearer bk_…` or as `x-api-key`")
        if (wait := self._failures.wait(address)) and not self._ring.knows(text):
            raise HttpError(429, "too_many_failures", "too many wrong keys from this address", retry_after=wait)
        try:
            return await self._proven(text, address)
        except HttpError as problem:
            raise self._failures.note(address, problem) from None

    async def still(self, request: web.Request) -> ApiKey:
        """See `Auth.still`. It is no failure of whoever asked: then, the key was good."""
        return await self._proven(presented(request), client(request, self._proxies))

    async def _proven(self, text: str, address: str) -> ApiKey:
        """Raises HttpError 401, 403."""
        try:
            key = await self._ring.prove(text)
        except KeyRefused as refused:
            said = "this API key is not known" if refused.reason == "unknown" else f"this API key is {refused.reason}"
            raise HttpError(401, "invalid_api_key", said) from None
        if not key.usable_from(address):
            raise HttpError(403, "address_not_allowed", "this API key may not be used from this address")
        return key

    async def signed(self, request: web.Request, key: ApiKey, body: bytes) -> None:
        """See `Auth.signed`."""
        if not key.signing:
            return
        now, target = time.time(), request.raw_path
        found = signing.verified(key.signing, request.method, target, request.headers, body, now)
        if isinstance(found, str):
            problem = HttpError(401, "invalid_signature", found)
            raise self._failures.note(client(request, self._proxies), problem)
        if not await self._keys.use_nonce(key.id, found.nonce, now, found.until):
            raise HttpError(401, "request_repeated", f"this request was sent before: {signing.NONCE} must be new")

    def _failed(self, address: str, said: str) -> HttpError:
        return self._failures.note(address, HttpError(401, "invalid_api_key", said))


def client(request: web.Request, proxies: Proxies) -> str:
    """The address a request comes from; '' on a Unix socket."""
    return proxies.client(request.remote or "", request.headers.getall("X-Forwarded-For", ()))


def _in_url(request: web.Request) -> bool:
    return any(name.lower() in IN_URL or value.startswith("bk_") for name, value in request.query.items())


async def refuse_open_door(house: House, admin: AdminSettings) -> None:
    """Other machines may reach the gateway only when somebody can prove who they are.

    Raises ConfigError where nobody can: it is not set up yet, and nothing should listen meanwhile.
    """
    if loopback(house.host) or admin.any or await house.store.keys.list(most=1):
        return
    raise ConfigError(
        f"refuses to serve the gateway on {house.host} without any key: make one with `botkit keys create`, "
        "or name admins in [gateway.admin]",
        key="http.host",
    )
