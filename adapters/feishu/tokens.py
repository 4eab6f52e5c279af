"""The tenant token of one app: fetched without blocking, kept, replaced before it expires."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from adapters.feishu.wire import Json
from botkit.errors import Unreachable

EARLY = 25 * 60.0
"""Seconds before its end at which a token is replaced; Feishu hands out the same one until 30 minutes before."""

Fetch = Callable[[], Awaitable[Json]]


class Tokens:
    """At most one fetch is under way, whoever waits for it."""

    def __init__(self, fetch: Fetch) -> None:
        """`fetch` answers with `tenant_access_token` and `expire` (seconds)."""
        self._fetch = fetch
        self._token, self._until = "", float("-inf")
        self._lock = asyncio.Lock()

    async def get(self) -> str:
        """A token that holds. Raises AdapterErrors."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now >= self._until:
                answer = await self._fetch()
                token, lasts = answer.get("tenant_access_token"), answer.get("expire")
                if not isinstance(token, str) or not isinstance(lasts, int):
                    raise Unreachable("tenant_access_token: Feishu gave none", acted=False)
                self._token, self._until = token, now + max(lasts - EARLY, lasts / 2)
            return self._token

    def forget(self, token: str) -> None:
        """Feishu no longer takes it."""
        if token == self._token:
            self._until = float("-inf")
