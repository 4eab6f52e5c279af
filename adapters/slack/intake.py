"""From a delivery of Slack's to the hub: completes the message, hands it in, and only then lets Slack be told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace

import structlog

from adapters.slack.history import History
from adapters.slack.parse import Me, joins_thread, may_follow_up, opened, parse, people, timestamp
from adapters.slack.people import People
from botkit.errors import AdapterError, StoreError
from botkit.model import Message
from botkit.protocols import Hub

log = structlog.get_logger("botkit.slack")

PREPARE_WITHIN = 0.95
"""Seconds to ask whether a thread is followed, for names, and for what was said before; with the two that the store has
to take the message in they stay under Slack's three."""


class Intake:
    """Takes deliveries in, from whichever way they come."""

    def __init__(self, hub: Hub, me: Me, people: People, history: History, *, context: int) -> None:
        self._hub, self.me, self._people, self._history, self._context = hub, me, people, history, context
        self.closed = False
        """Take nothing more: what is not acknowledged comes again, to the next process."""

    async def take(self, body: Mapping[str, object]) -> bool:
        """Whether a message was taken. Raises StoreError: then Slack must not be told that it arrived."""
        if self.closed:
            raise StoreError("the Slack adapter is closing")
        message = parse(body, self.me, received=time.time())
        if message is None:
            sign = opened(body, self.me)
            if sign is not None:
                self._hub.warm(*sign)
            return False
        if not self._hub.allowed(message):
            return bool(await self._hub.deliver(message))
        joins, until = joins_thread(message), asyncio.get_running_loop().time() + PREPARE_WITHIN
        follows = (joins or may_follow_up(message, self.me)) and await self._follows(message, until)
        if follows:
            message = replace(message, addressed=True)
        if message.addressed and message.kind == "new":
            message = await self._completed(message, until, context=joins and not follows)
        return bool(await self._hub.deliver(message))

    async def _follows(self, message: Message, until: float) -> bool:
        try:
            async with asyncio.timeout_at(until):
                return await self._hub.follows(message.conversation)
        except TimeoutError:
            raise StoreError(f"the store did not answer within {PREPARE_WITHIN:g} s") from None

    async def _completed(self, message: Message, until: float, *, context: bool) -> Message:
        """With names, and with what was said before the bot was called; as far as Slack answers in time."""
        async with asyncio.TaskGroup() as group:
            named = group.create_task(self._named(message, until))
            before = group.create_task(self._before(message, until)) if context and self._context else None
        return replace(named.result(), context=before.result() if before else "", addressed=message.addressed)

    async def _named(self, message: Message, until: float) -> Message:
        wanted = people(message)
        try:
            async with asyncio.timeout_at(until):
                names = await self._people.names(wanted)
        except TimeoutError:
            log.info("names_late", message=message.id)
            return message
        if message.raw is None:
            return message
        return parse(message.raw, self.me, names, received=message.sent_at) or message

    async def _before(self, message: Message, until: float) -> str:
        try:
            async with asyncio.timeout_at(until):
                return await self._history.before(message.conversation, timestamp(message), self._context)
        except (AdapterError, TimeoutError) as problem:
            log.warning("no_thread_context", message=message.id, problem=str(problem))
            return ""
