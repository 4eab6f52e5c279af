"""Answers what was written while botkit was down, in the conversations it is part of. Repeats cost nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

import structlog

from adapters.slack.history import History
from adapters.slack.intake import Intake
from adapters.slack.wire import Event
from botkit.errors import AdapterError, RateLimited, StoreError, Unreachable
from botkit.model import Conversation
from botkit.protocols import Hub

log = structlog.get_logger("botkit.slack")

CONVERSATIONS = 40
"""The most recently used; conversations.replies takes about 50 calls a minute for the whole workspace."""
MARGIN = 300.0
"""Seconds before the last use that are read again: messages may have waited for their turn."""
LONGEST_WAIT = 60.0
"""Seconds to wait when Slack says that there were too many calls; it never asks for more."""


class CatchUp:
    """Reads followed conversations and hands in what it finds."""

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
        read = [await self._conversation(conversation, max(oldest, used - MARGIN)) for conversation, used in latest]
        return all(read)

    async def _conversation(self, conversation: Conversation, since: float) -> bool:
        """Whether all of it was handed in, or never can be."""
        taken, complete = 0, True
        try:
            for event in await self._missed(conversation, since):
                async with self.between:
                    taken += await self._intake.take(_delivery(event, conversation))
        except (AdapterError, StoreError) as problem:
            log.warning("catch_up_failed", conversation=conversation.key, problem=str(problem))
            complete = not isinstance(problem, StoreError | RateLimited | Unreachable)
        if taken:
            log.info("caught_up", conversation=conversation.key, messages=taken)
        return complete

    async def _missed(self, conversation: Conversation, since: float) -> Sequence[Event]:
        try:
            return await self._history.missed(conversation, since, self._most)
        except RateLimited as limited:
            await asyncio.sleep(min(limited.retry_after, LONGEST_WAIT))
        return await self._history.missed(conversation, since, self._most)


def _delivery(event: Event, conversation: Conversation) -> Mapping[str, object]:
    """A message of a history as the event it would have been."""
    kind = "im" if conversation.channel.startswith("D") else "channel"
    return {
        "type": "event_callback",
        "event": {**event, "type": "message", "channel": conversation.channel, "channel_type": kind},
    }
