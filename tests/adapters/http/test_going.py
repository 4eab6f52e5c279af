"""What goes on for long is looked at again and again."""

from __future__ import annotations

import asyncio

from adapters.http.client import Proxies
from adapters.http.failures import Failures
from adapters.http.going import Going
from adapters.http.verify import KeyAuth
from botkit.keyring import Keyring
from botkit.stores.memory import MemoryStore


async def test_keys_are_looked_at_again_after_a_look_that_failed_unforeseen() -> None:
    keys, looks, again = MemoryStore().keys, 0, asyncio.Event()

    async def look() -> None:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise ValueError("unforeseen")
        again.set()

    auth = KeyAuth(keys, Keyring(keys), Proxies(()), Failures(10))
    async with asyncio.timeout(10), Going().watched(auth, look):
        await again.wait()
