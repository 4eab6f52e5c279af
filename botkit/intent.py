"""Gets ready for a message that is about to come: somebody types, opens the chat, touches the first key."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

import structlog

from botkit.errors import StoreError
from botkit.leases import Leases
from botkit.model import Conversation
from botkit.protocols import Runner, Store

log = structlog.get_logger("botkit")

AGAIN = 10.0
"""Seconds until another sign in the same conversation is looked at; platforms repeat them about as often."""
REMEMBERED = 1000


class Intent:
    """Readies a worker for a sign, as long as that takes nothing from anybody. Begins no turn."""

    def __init__(
        self,
        bot: str,
        store: Store,
        runner: Runner,
        leases: Leases,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bot, self._store, self._runner, self._leases, self._clock = bot, store, runner, leases, clock
        self._seen: OrderedDict[str, float] = OrderedDict()

    def fresh(self, conversation: Conversation) -> bool:
        """Whether a sign there is worth a look; from now on another one is not, for a while."""
        key, now = conversation.key, self._clock()
        if now - self._seen.get(key, float("-inf")) < AGAIN:
            return False
        self._seen[key] = now
        self._seen.move_to_end(key)
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return True

    async def prepare(self, conversation: Conversation, idle: float) -> None:
        """Resume or thaw what the next message there will need. `idle`: seconds after which it begins a new session.

        In a place that others share, only where the bot is part of the conversation.
        """
        key = f"{self._bot}/{conversation.key}"
        try:
            session = await self._store.session(key)
            if session is None and not conversation.direct:
                return
            if not conversation.direct and await self._store.mark(f"muted/{key}") is not None:
                return
            if session is None or (idle and time.time() - session.used > idle):
                ready = await self._runner.warm(None)
            else:
                ready = await self._leases.take_if_free(session.id) and await self._runner.warm(session)
        except StoreError as problem:
            log.info("not_warmed", conversation=conversation.key, problem=str(problem))
            return
        log.debug("warmed", conversation=conversation.key, ready=ready)
