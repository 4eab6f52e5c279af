"""An identity provider's public keys: fetched when needed, kept for a while, believed a little longer if it is down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import msgspec
import structlog
from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWTError

log = structlog.get_logger("botkit")

FRESH = 600.0
"""Seconds until the keys are fetched again."""
STALE = 3600.0
"""Seconds for which the old ones are believed while the provider does not answer."""
AGAIN = 10.0
"""Least seconds between two fetches: unknown key ids may be made up."""
WITHIN = 5.0
"""Seconds a provider has to answer."""
LARGEST = 1024 * 1024
"""Bytes of its answer at most."""


class NoKeys(Exception):
    """The provider's keys cannot be had."""


class Jwks:
    """The keys at one place, a file or a URL."""

    def __init__(self, place: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._place, self._clock = place, clock
        self._keys: dict[str, PyJWK] = {}
        self._at = self._tried = float("-inf")
        self._lock = asyncio.Lock()

    async def find(self, id: str) -> PyJWK | None:
        """The key with this id; where tokens name none (''), the only one. Raises NoKeys."""
        found = self._get(id)
        age = self._clock() - self._at
        if found is not None and age < FRESH:
            return found
        async with self._lock:
            if self._clock() - self._tried >= AGAIN:
                await self._fetch()
        if self._clock() - self._at >= STALE:
            raise NoKeys(f"no keys from {self._place}")
        return self._get(id)

    def _get(self, id: str) -> PyJWK | None:
        if id:
            return self._keys.get(id)
        return next(iter(self._keys.values())) if len(self._keys) == 1 else None

    async def _fetch(self) -> None:
        self._tried = self._clock()
        try:
            data = msgspec.json.decode(await self._read(), type=dict[str, object])
            keys = PyJWKSet.from_dict(data).keys
        except (OSError, TimeoutError, aiohttp.ClientError, ValueError, PyJWTError) as problem:
            log.warning("jwks_not_read", place=self._place, problem=str(problem) or type(problem).__name__)
            return
        self._keys = {key.key_id or str(number): key for number, key in enumerate(keys)}
        self._at = self._tried

    async def _read(self) -> bytes:
        if not self._place.startswith(("https://", "http://")):
            return await asyncio.to_thread(Path(self._place).read_bytes)
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WITHIN)) as session,
            session.get(self._place, raise_for_status=True, allow_redirects=False) as answer,
        ):
            data = await answer.content.read(LARGEST)
            while chunk := await answer.content.read(LARGEST):
                data += chunk
                if len(data) > LARGEST:
                    raise ValueError(f"more than {LARGEST} bytes")
            return data
