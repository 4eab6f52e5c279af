"""Proves API keys: by their token, where they come from and whether they may be used now."""

from __future__ import annotations

import time
from collections import OrderedDict

from aiohttp import web

from adapters.http.auth import presented
from adapters.http.errors import HttpError
from botkit.keys import ApiKey
from botkit.roles import Keys
from botkit.tokens import parse_token, proves

FRESH = 3.0
"""Seconds a key is believed without asking the store: a revoked one works no longer than that."""
MAX_KNOWN = 10_000


class KeyAuth:
    """Implements `Auth` with the keys of the store."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._known: OrderedDict[str, tuple[ApiKey | None, float]] = OrderedDict()
        """Keys by id, and until when they are believed; also ids that are nobody's."""

    async def key(self, request: web.Request, body: bytes) -> ApiKey:
        """See `Auth.key`."""
        del body
        token = parse_token(presented(request))
        if token is None:
            raise _refused("no API key: send it as `Authorization: Bearer bk_…`")
        now = time.time()
        key = await self._find(token.id)
        if not proves(token, key, now) or key is None:
            raise _refused("this API key is not known")
        if (status := key.status(now)) != "active":
            raise _refused(f"this API key is {status}")
        if not key.usable_from(request.remote or ""):
            raise HttpError(403, "address_not_allowed", "this API key may not be used from this address")
        return key

    async def _find(self, id: str) -> ApiKey | None:
        now = time.monotonic()
        found = self._known.get(id)
        if found is None or found[1] <= now:
            found = self._known[id] = await self._keys.get(id), now + FRESH
            self._known.move_to_end(id)
            while len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)
        return found[0]


def _refused(message: str) -> HttpError:
    return HttpError(401, "invalid_api_key", message)
