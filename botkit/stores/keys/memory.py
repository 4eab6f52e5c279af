"""API keys in this process only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from botkit.keys import ApiKey
from botkit.roles import PAGE


class MemoryKeys:
    """See `roles.Keys`."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}
        self._nonces: dict[tuple[str, str], float] = {}

    async def get(self, id: str) -> ApiKey | None:
        return self._keys.get(id)

    async def put(self, key: ApiKey) -> bool:
        before = self._keys.get(key.id)
        if key.revision != (before.revision if before else 0) + 1:
            return False
        self._keys[key.id] = replace(key, last_used=before.last_used if before else 0.0)
        return True

    async def delete(self, id: str) -> bool:
        return self._keys.pop(id, None) is not None

    async def list(self, *, owner: str = "", after: str = "", most: int = PAGE) -> Sequence[ApiKey]:
        ids = sorted(id for id, key in self._keys.items() if id > after and owner in ("", key.owner))
        return [self._keys[id] for id in ids[:most]]

    async def touch(self, used: Mapping[str, float]) -> None:
        for id, at in used.items():
            key = self._keys.get(id)
            if key is not None and at > key.last_used:
                self._keys[id] = replace(key, last_used=at)

    async def use_nonce(self, key: str, nonce: str, now: float, until: float) -> bool:
        if self._nonces.get((key, nonce), 0.0) > now:
            return False
        self._nonces[key, nonce] = until
        return True

    async def purge(self, now: float) -> int:
        before = len(self._nonces)
        self._nonces = {nonce: until for nonce, until in self._nonces.items() if until > now}
        return before - len(self._nonces)
