"""Who calls: the API key a request proves."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from botkit.keys import ApiKey


class Auth(Protocol):
    """Verifies requests."""

    async def key(self, request: web.Request) -> ApiKey:
        """The active key of a request, allowed from where it comes. Before its body is read.

        Raises HttpError (401, 403, or 429 for too many failures), StoreError.
        """
        ...

    async def still(self, request: web.Request) -> ApiKey:
        """The key of a request that was let in before, as it is now. Raises HttpError (401, 403), StoreError."""
        ...

    async def signed(self, request: web.Request, key: ApiKey, body: bytes) -> None:
        """Check the signature of a request whose key demands one. Raises HttpError 401, StoreError."""
        ...


def presented(request: web.Request) -> str:
    """The token a request bears: `Authorization: Bearer …`, or `x-api-key` as Anthropic's clients do; '' for none.

    Never one in the URL: addresses stand in logs.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
