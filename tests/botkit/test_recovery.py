"""While much is taken up or given back, nobody takes this process for dead."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path

from botkit.leases import BEAT
from botkit.model import Admission, Entry, Lease, Session
from botkit.store import Beat
from botkit.stores.memory import MemoryStore
from tests.botkit.bots import Parts

SLOW, MANY = 0.4 * BEAT, 8


class Slow(MemoryStore):
    """Takes its time, and counts what it was asked between two signs of life."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.most = 0, 0
        self.all_free = asyncio.Event()

    async def session(self, conversation: str) -> Session | None:
        await self._slowly()
        return await super().session(conversation)

    async def release(self, lease: Lease, owner: str) -> None:
        await self._slowly()
        await super().release(lease, owner)
        if not await self.owners():
            self.all_free.set()

    async def beat(self, owner: str, now: float, ttl: float, leases: Collection[Lease] = ()) -> Beat:
        self.asked = 0
        return await super().beat(owner, now, ttl, leases)

    async def _slowly(self) -> None:
        self.asked += 1
        self.most = max(self.most, self.asked)
        await asyncio.sleep(SLOW)


async def test_a_process_that_takes_much_up_from_a_slow_store_goes_on_to_beat(tmp_path: Path) -> None:
    store = Slow()
    parts = Parts(tmp_path, store=store)
    for number in range(MANY):
        message = parts.adapter.message(f"left {number}", thread=str(number))
        entry = Entry(f"e{number}", "main", f"main/{message.conversation.key}", message, message.sent_at)
        await store.admit(Admission(entry.id, (), entry, message.sent_at), "dead-host|1|1|x")
    await store.beat("dead-host|1|1|x", 0.0, 0.0)
    store.most = 0
    async with asyncio.timeout(20), parts.bot():
        for number in range(MANY):
            await parts.adapter.until_text(f"left {number}", str(number))
    assert 0 < store.most < MANY


async def test_a_process_whose_workers_all_went_at_once_goes_on_to_beat(tmp_path: Path) -> None:
    store = Slow()
    async with asyncio.timeout(20), Parts(tmp_path, store=store).bot() as bot:
        for number in range(MANY):
            assert await bot.leases.take_if_free(f"s{number}")
        await store.all_free.wait()
    assert 0 < store.most < MANY
