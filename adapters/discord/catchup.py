"""Answers what was written while botkit was down: in the conversations it is part of, and where it was mentioned."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog

from adapters.discord.history import History
from adapters.discord.intake import Intake
from adapters.discord.parse import DIRECT_SPACE
from adapters.discord.places import Place, Places
from adapters.discord.wire import Json, Written, first_id, read
from botkit.errors import AdapterError, RateLimited, StoreError, Unreachable
from botkit.model import Conversation
from botkit.protocols import Hub

log = structlog.get_logger("botkit.discord")

CONVERSATIONS, CHANNELS = 40, 40
"""The most recently used conversations, and the channels with the latest messages, that are looked at."""
MARGIN = 300.0
"""Seconds before the last use that are read again: messages may have waited for their turn."""
LONGEST_WAIT = 60.0
"""Seconds to wait when Discord says that there were too many calls."""
KNOWN_WITHIN = 5.0
"""Seconds for Discord to describe all servers after a session began."""

Only = Callable[[Written], bool]


class CatchUp:
    """Reads what may have been missed and hands it in. Repeats cost nothing."""

    def __init__(
        self, name: str, hub: Hub, intake: Intake, history: History, places: Places, *, most: int, age: float
    ) -> None:
        self._name, self._hub, self._intake, self._history, self._places = name, hub, intake, history, places
        self._most, self._age = most, age
        self.between = asyncio.Lock()
        """Held while a message is handed in: whoever holds it may cancel `run` without losing one."""

    async def run(self) -> bool:
        """Once through everything; what goes wrong ends only its own channel. False: it is worth another try."""
        if not self._most or not self._age:
            return True
        await self._places.described(KNOWN_WITHIN)
        oldest = time.time() - self._age
        try:
            followed = await self._hub.followed(self._name, oldest)
        except StoreError as problem:
            log.warning("catch_up_failed", problem=str(problem))
            return False
        latest = sorted(followed, key=lambda one: one[1], reverse=True)[:CONVERSATIONS]
        read = [await self._conversation(where, max(oldest, used - MARGIN)) for where, used in latest]
        # While it was used last it was there, so mentions are missing since then at most.
        since = max([oldest, *(used - MARGIN for _, used in latest[:1])])
        seen = {_channel(where) for where, _ in latest}
        others = [id for id in self._places.recent(first_id(since)) if id not in seen][:CHANNELS]
        read += [await self._mentions(channel, since) for channel in others]
        return all(read)

    async def _conversation(self, where: Conversation, since: float) -> bool:
        channel = _channel(where)
        place = self._places.get(channel)
        if place is not None and place.last.isdigit() and int(place.last) < int(first_id(since)):
            return True
        if place is None and where.thread:
            self._places.put(channel, Place(where.space, where.channel))
        guild = "" if where.space == DIRECT_SPACE else where.space
        return await self._channel(channel, guild, since, lambda _: True)

    async def _mentions(self, channel: str, since: float) -> bool:
        place = self._places.get(channel)
        return await self._channel(channel, place.guild if place else "", since, self._intake.for_me)

    async def _channel(self, channel: str, guild: str, since: float, only: Only) -> bool:
        """Whether all of it was handed in, or never can be."""
        taken, complete = 0, True
        try:
            for each in await self._missed(channel, since):
                written = read({**each, "guild_id": guild or None}, Written)
                if written is None or not only(written):
                    continue
                async with self.between:
                    taken += await self._intake.take(written)
        except (AdapterError, StoreError) as problem:
            log.warning("catch_up_failed", channel=channel, problem=str(problem))
            complete = not isinstance(problem, StoreError | RateLimited | Unreachable)
        if taken:
            log.info("caught_up", channel=channel, messages=taken)
        return complete

    async def _missed(self, channel: str, since: float) -> Sequence[Json]:
        try:
            return await self._history.missed(channel, since, self._most)
        except RateLimited as limited:
            await asyncio.sleep(min(limited.retry_after, LONGEST_WAIT))
        return await self._history.missed(channel, since, self._most)


def _channel(where: Conversation) -> str:
    return where.thread or where.channel
