"""Makes, changes and removes API keys for an administrator, and notes who did it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from secrets import token_hex

import msgspec
import structlog

from botkit.errors import StoreError
from botkit.keys import Act, ApiKey
from botkit.roles import Programs
from botkit.tokens import Token, rotated

log = structlog.get_logger("botkit")

TRIES = 5
"""How often a change is made again because another came first."""
SAID = ("name", "owner", "suspended", "expires", "scopes", "limits", "networks", "metadata")
"""What the audit log says of a change, as JSON."""


@dataclass(frozen=True, slots=True)
class Desk:
    """One administrator at work. Whatever is done is noted before: what cannot be noted is not done."""

    store: Programs
    who: str
    address: str = ""
    clock: Callable[[], float] = time.time

    async def add(self, key: ApiKey) -> None:
        """A new key. Raises StoreError."""
        await self.note("key.create", key.id, _said(None, key))
        if not await self._put(key):
            raise StoreError(f"there is a key {key.id} already")

    async def change(self, id: str, change: Callable[[ApiKey], ApiKey], what: str = "key.change") -> ApiKey | None:
        """The key after a change; None: there is no such key. Raises StoreError."""
        for attempt in range(TRIES):
            before = await self.store.keys.get(id)
            if before is None:
                return None
            after = replace(change(before), revision=before.revision + 1)
            if not attempt:
                await self.note(what, id, _said(before, after))
            if await self._put(after):
                return after
        raise StoreError(f"the key {id} is being changed by others all the time")

    async def rotate(self, id: str, overlap: float) -> tuple[ApiKey, Token] | None:
        """A new token for a key; the old one goes on for `overlap` seconds. None: there is no such key."""
        tokens: list[Token] = []

        def turn(key: ApiKey) -> ApiKey:
            turned, token = rotated(key, self.clock(), overlap)
            tokens.append(token)
            return turned

        key = await self.change(id, turn, "key.rotate")
        return None if key is None else (key, tokens[-1])

    async def delete(self, id: str) -> bool:
        """False: there is no such key. What it used stays on record."""
        key = await self.store.keys.get(id)
        if key is None:
            return False
        await self.note("key.delete", id, {"name": key.name})
        return await self.store.keys.delete(id)

    async def _put(self, key: ApiKey) -> bool:
        """A store that was asked twice, because its first answer was lost, says no to what it has done."""
        if await self.store.keys.put(key):
            return True
        found = await self.store.keys.get(key.id)
        return found is not None and replace(found, last_used=key.last_used) == key

    async def note(self, what: str, target: str = "", detail: Mapping[str, str] | None = None) -> None:
        """One line in the log and in the store. `detail` holds no secret."""
        id = f"{time.time_ns():016x}{token_hex(4)}"  # in their order also where two have the same time
        act = Act(id, self.clock(), self.who, what, target, self.address, detail or {})
        await self.store.acts.add(act)
        log.info("admin_act", who=self.who, what=what, target=target, address=self.address, detail=act.detail)


def _said(before: ApiKey | None, after: ApiKey) -> dict[str, str]:
    """What is new, in words and without secrets."""
    found = {
        name: msgspec.json.encode(getattr(after, name)).decode()
        for name in SAID
        if before is None or getattr(before, name) != getattr(after, name)
    }
    if before is not None and before.secret != after.secret:
        found["overlap"] = f"{after.previous_until:.0f}" if after.previous else "none"
    if (before.signing if before else "") != after.signing:
        found["signing"] = "required" if after.signing else "not required"
    return found
