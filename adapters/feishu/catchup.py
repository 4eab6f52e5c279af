"""What Feishu remembers, for catching up: conversations, and groups in which the bot was called for the first time."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from adapters.feishu.history import History
from adapters.feishu.intake import Intake
from adapters.feishu.parse import delivery_of
from adapters.feishu.wire import Delivery
from botkit.errors import NotAllowed
from botkit.model import Conversation

log = structlog.get_logger("botkit.feishu")

MESSAGES = 500
"""Messages of one group that are looked through."""


class FeishuPast:
    """Implements `Past`. Feishu takes a thousand calls of a method a minute, so nothing is paced."""

    def __init__(self, adapter: str, intake: Intake, history: History, *, most: int) -> None:
        """`most`: messages of one conversation."""
        self._adapter, self._intake, self._history, self._most = adapter, intake, history, most

    async def said(self, where: Conversation, since: float) -> Sequence[Delivery]:
        return await self._missed(where, since, self._most, direct=not where.thread)  # in groups are only topics

    async def channels(self, since: float, followed: Sequence[Conversation]) -> Sequence[Conversation]:
        """The groups of followed topics, then the bot's others, the most active first. Chats of two are in no list."""
        del since  # no list says it
        known = [(where.space, where.channel) for where in followed if where.thread]
        direct = {(where.space, where.channel) for where in followed if not where.thread}
        try:
            known += await self._history.groups()
        except NotAllowed as problem:
            log.info("groups_not_listed", problem=str(problem))
        groups = [group for group in dict.fromkeys(known) if group not in direct]
        return [Conversation(self._adapter, space, channel) for space, channel in groups]

    async def called(self, channel: Conversation, since: float) -> Sequence[Delivery]:
        found = await self._missed(channel, since, MESSAGES, direct=False)
        return [delivery for delivery in found if self._intake.mentions_me(delivery)][-self._most :]

    async def take(self, one: Delivery) -> bool:
        return await self._intake.take(one)

    async def _missed(self, where: Conversation, since: float, most: int, *, direct: bool) -> list[Delivery]:
        found = await self._history.missed(where, since, most)
        return [delivery_of(listed, space=where.space, direct=direct) for listed in found]
