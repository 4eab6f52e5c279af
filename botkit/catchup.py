"""Answers what was written while botkit was away: in conversations it is part of, and where it was called for the first
time. What a platform remembers is read by its adapter; repeats cost nothing, the journal knows them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import structlog

from botkit.errors import AdapterError, RateLimited, StoreError, Unreachable
from botkit.model import Conversation
from botkit.protocols import Hub

log = structlog.get_logger("botkit")

CONVERSATIONS = 40
"""The most recently used ones are looked at."""
MARGIN = 300.0
"""Seconds before the last use that are read again: messages may have waited for their turn."""
LONGEST_WAIT = 60.0
"""Seconds to wait when the platform says that there were too many calls."""
AGAIN_AFTER = 30.0
"""Seconds after which it is tried again when the store or the platform did not answer."""

Said = TypeVar("Said")
"""One message, as the adapter's intake takes it."""
_Read = TypeVar("_Read")


class Past(Protocol[Said]):
    """What the platform remembers, read at a pace that leaves room for everything else.

    All raise AdapterErrors; times are Unix seconds; messages come oldest first.
    """

    async def said(self, where: Conversation, since: float) -> Sequence[Said]:
        """In a conversation that the bot is part of, since then."""
        ...

    async def channels(self, since: float, followed: Sequence[Conversation]) -> Sequence[Conversation]:
        """Where somebody may have called the bot since then, outside of the conversations `followed`, the likeliest
        place first."""
        ...

    async def called(self, channel: Conversation, since: float) -> Sequence[Said]:
        """What was said to the bot in such a place."""
        ...

    async def take(self, one: Said) -> bool:
        """Hand it in; whether it was taken. Raises StoreError too."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far back it goes. 0 of any of the first two: not at all."""

    messages: int
    """Of one conversation, the last ones; kept by `Past`."""
    age: float
    """Seconds."""
    channels: int
    """Places looked through for who called the bot for the first time; 0: none."""


class CatchUp(Generic[Said]):
    """Once through everything, each time `run` is called."""

    def __init__(self, name: str, hub: Hub, past: Past[Said], bounds: Bounds) -> None:
        """`name`: the adapter's."""
        self._name, self._hub, self._past, self._bounds = name, hub, past, bounds
        self.between = asyncio.Lock()
        """Held while a message is handed in: whoever holds it may cancel `run` without losing one."""

    async def run(self) -> bool:
        """What goes wrong ends only its own place. False: it is worth another try."""
        if not self._bounds.messages or not self._bounds.age:
            return True
        oldest = time.time() - self._bounds.age
        try:
            followed = await self._hub.followed(self._name, oldest)
        except StoreError as problem:
            log.warning("catch_up_failed", adapter=self._name, problem=str(problem))
            return False
        latest = sorted(followed, key=lambda one: one[1], reverse=True)[:CONVERSATIONS]
        done = [await self._read(where, max(oldest, used - MARGIN), self._past.said) for where, used in latest]
        # While it was used last it was there, so calls are missing since then at most.
        since = max([oldest, *(used - MARGIN for _, used in latest[:1])])
        if self._bounds.channels:
            done.append(await self._calls(since, [where for where, _ in latest]))
        return all(done)

    async def _calls(self, since: float, followed: Sequence[Conversation]) -> bool:
        try:
            channels = await self._patiently(lambda: self._past.channels(since, followed))
        except AdapterError as problem:
            log.warning("channels_not_known", adapter=self._name, problem=str(problem))
            return not isinstance(problem, RateLimited | Unreachable)
        return all(
            [await self._read(channel, since, self._past.called) for channel in channels[: self._bounds.channels]]
        )

    async def _read(
        self, where: Conversation, since: float, read: Callable[[Conversation, float], Awaitable[Sequence[Said]]]
    ) -> bool:
        """Whether all of it was handed in, or never can be."""
        taken, complete = 0, True
        try:
            for one in await self._patiently(lambda: read(where, since)):
                async with self.between:
                    taken += await self._past.take(one)
        except (AdapterError, StoreError) as problem:
            log.warning("catch_up_failed", conversation=where.key, problem=str(problem))
            complete = not isinstance(problem, StoreError | RateLimited | Unreachable)
        except Exception:  # one message that nobody foresaw must not hide all the others
            log.exception("catch_up_failed", conversation=where.key)
        if taken:
            log.info("caught_up", conversation=where.key, messages=taken)
        return complete

    async def _patiently(self, read: Callable[[], Awaitable[Sequence[_Read]]]) -> Sequence[_Read]:
        try:
            return await read()
        except RateLimited as limited:
            await asyncio.sleep(min(limited.retry_after, LONGEST_WAIT))
        return await read()


@asynccontextmanager
async def catching_up(missed: CatchUp[Said], wanted: asyncio.Event, name: str) -> AsyncGenerator[None]:
    """Run it each time `wanted` is set, while inside. `name` is the task's."""
    loop = asyncio.get_running_loop()

    async def run() -> None:
        while True:
            await wanted.wait()
            wanted.clear()
            if not await missed.run():
                loop.call_later(AGAIN_AFTER, wanted.set)

    task = asyncio.create_task(run(), name=name)
    try:
        yield
    finally:
        async with missed.between:  # a message that is being handed in is handed in whole
            task.cancel()
        await asyncio.wait([task])
