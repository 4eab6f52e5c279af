"""What Discord remembers, for catching up: conversations, and channels in which the bot was called there first."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.discord.history import History
from adapters.discord.intake import Intake
from adapters.discord.parse import DIRECT_SPACE
from adapters.discord.places import Place, Places
from adapters.discord.wire import Written, first_id, read
from botkit.model import Conversation

CHANNELS = 40
"""The channels and threads with the latest messages that are looked through for mentions."""
MESSAGES = 1000
"""Messages of one channel that are looked through."""
KNOWN_WITHIN = 5.0
"""Seconds for Discord to describe all servers after a session began."""


class DiscordPast:
    """Implements `Past`. The account's gate paces the calls."""

    def __init__(self, adapter: str, intake: Intake, history: History, places: Places, *, most: int) -> None:
        """`most`: messages of one conversation."""
        self._adapter, self._intake, self._history, self._places = adapter, intake, history, places
        self._most = most

    async def said(self, where: Conversation, since: float) -> Sequence[Written]:
        await self._places.described(KNOWN_WITHIN)
        channel = _channel(where)
        place = self._places.get(channel)
        if place is not None and place.last.isdigit() and int(place.last) < int(first_id(since)):
            return ()
        if place is None and where.thread:
            self._places.put(channel, Place(where.space, where.channel))
        return await self._missed(channel, "" if where.space == DIRECT_SPACE else where.space, since, self._most)

    async def channels(self, since: float, followed: Sequence[Conversation]) -> Sequence[Conversation]:
        """The gateway says when something was said last, everywhere but in direct messages of somebody new."""
        await self._places.described(KNOWN_WITHIN)
        seen = {_channel(where) for where in followed}
        ids = [id for id in self._places.recent(first_id(since)) if id not in seen]
        places = ((id, self._places.get(id)) for id in ids)
        return [Conversation(self._adapter, place.guild if place else "", id) for id, place in places]

    async def called(self, channel: Conversation, since: float) -> Sequence[Written]:
        found = await self._missed(channel.channel, channel.space, since, MESSAGES)
        return [written for written in found if self._intake.for_me(written)][-self._most :]

    async def take(self, one: Written) -> bool:
        return await self._intake.take(one)

    async def _missed(self, channel: str, guild: str, since: float, most: int) -> list[Written]:
        found = await self._history.missed(channel, since, most)
        read_back = (read({**each, "guild_id": guild or None}, Written) for each in found)
        return [written for written in read_back if written is not None]


def _channel(where: Conversation) -> str:
    return where.thread or where.channel
