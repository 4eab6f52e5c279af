"""What was written meanwhile is answered, also beside what nobody can read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from botkit.catchup import Bounds, CatchUp
from botkit.model import Conversation
from botkit.testing.memory_adapter import MemoryAdapter
from tests.botkit.bots import Parts


class Remembering:
    """Implements `Past` for the memory platform: one message in each conversation, of which one is no text."""

    def __init__(self, adapter: MemoryAdapter, odd: Conversation) -> None:
        self._adapter, self._odd = adapter, odd

    async def said(self, where: Conversation, since: float) -> Sequence[tuple[str, object]]:
        return [(where.thread, 7 if where == self._odd else "missed")]

    async def channels(self, since: float, followed: Sequence[Conversation]) -> Sequence[Conversation]:
        return ()

    async def called(self, channel: Conversation, since: float) -> Sequence[tuple[str, object]]:
        return ()

    async def take(self, one: tuple[str, object]) -> bool:
        thread, text = one
        return bool(await self._adapter.say(text.upper(), thread=thread))  # type: ignore[attr-defined]


async def test_a_message_that_nobody_foresaw_does_not_hide_those_of_other_conversations(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    async with asyncio.timeout(5), parts.bot() as bot:
        for thread in ("1", "2", "3"):
            await parts.adapter.say("hello", thread=thread)
            await parts.adapter.until_text("hello", thread)
        past = Remembering(parts.adapter, parts.adapter.place("2"))
        assert await CatchUp("memory", bot, past, Bounds(10, 3600.0, 0)).run(), "to try again would not help"
        for thread in ("1", "3"):
            await parts.adapter.until_text("MISSED", thread)
    assert not any("MISSED" in text for text in parts.adapter.texts("2"))
