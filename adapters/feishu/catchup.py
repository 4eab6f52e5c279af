"""Answers what was written while botkit was down: in its conversations, and mentions in the same groups."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog

from adapters.feishu.history import History
from adapters.feishu.intake import Intake
from adapters.feishu.parse import delivery_of
from adapters.feishu.wire import Delivery, Listed
from botkit.errors import AdapterError, RateLimited, StoreError, Unreachable
from botkit.model import Conversation
from botkit.protocols import Hub

log = structlog.get_logger("botkit.feishu")

CONVERSATIONS = 40
"""The most recently used that are looked at, and with them their chats."""
MARGIN = 300.0
"""Seconds before the last use that are read again: messages may have waited for their turn."""
LONGEST_WAIT = 60.0
"""Seconds to wait when Feishu says that there were too many calls."""

Only = Callable[[Delivery], bool]


class CatchUp:
    """Reads what may have been missed and hands it in. Repeats cost nothing."""

    def __init__(self, name: str, hub: Hub, intake: Intake, history: History, *, most: int, age: float) -> None:
        self._name, self._hub, self._intake, self._history = name, hub, intake, history
        self._most, self._age = most, age
        self.between = asyncio.Lock()
        """Held while a message is handed in: whoever holds it may cancel `run` without losing one."""

    async def run(self) -> bool:
        """Once through all of them; what goes wrong ends only its own conversation. False: it is worth another try."""
        if not self._most or not self._age:
            return True
        oldest = time.time() - self._age
        try:
            followed = await self._hub.followed(self._name, oldest)
        except StoreError as problem:
            log.warning("catch_up_failed", problem=str(problem))
            return False
        latest = sorted(followed, key=lambda one: one[1], reverse=True)[:CONVERSATIONS]
        read = [await self._conversation(where, max(oldest, used - MARGIN), lambda _: True) for where, used in latest]
        # While it was used last it was there, so mentions are missing since then at most.
        since = max([oldest, *(used - MARGIN for _, used in latest[:1])])
        groups = {(where.space, where.channel) for where, _ in latest if where.thread}
        groups -= {(where.space, where.channel) for where, _ in latest if not where.thread}
        for space, channel in sorted(groups):
            chat = Conversation(self._name, space, channel)
            read.append(await self._conversation(chat, since, self._intake.mentions_me, direct=False))
        return all(read)

    async def _conversation(self, where: Conversation, since: float, only: Only, *, direct: bool = True) -> bool:
        """Whether all of it was handed in, or never can be."""
        taken, complete = 0, True
        try:
            for listed in await self._missed(where, since):
                # Groups only ever have topics, so a conversation without one is direct.
                delivery = delivery_of(listed, space=where.space, direct=direct and not where.thread)
                if not only(delivery):
                    continue
                async with self.between:
                    taken += await self._intake.take(delivery)
        except (AdapterError, StoreError) as problem:
            log.warning("catch_up_failed", conversation=where.key, problem=str(problem))
            complete = not isinstance(problem, StoreError | RateLimited | Unreachable)
        if taken:
            log.info("caught_up", conversation=where.key, messages=taken)
        return complete

    async def _missed(self, where: Conversation, since: float) -> Sequence[Listed]:
        try:
            return await self._history.missed(where, since, self._most)
        except RateLimited as limited:
            await asyncio.sleep(min(limited.retry_after, LONGEST_WAIT))
        return await self._history.missed(where, since, self._most)
