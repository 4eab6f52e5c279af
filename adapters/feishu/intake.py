"""From a delivery of Feishu's to the hub: completes the message, hands it in, and only then lets Feishu be told."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar
from weakref import WeakValueDictionary

import structlog

from adapters.feishu.history import History
from adapters.feishu.parse import (
    Me,
    deleted,
    entered,
    fingerprint,
    in_topic,
    may_follow_up,
    parse,
    quoted,
    recalled,
    written,
)
from adapters.feishu.people import People
from adapters.feishu.plain import is_mention_of
from adapters.feishu.wire import Delivery, Json, read
from botkit.errors import AdapterError, StoreError
from botkit.model import Conversation, Message
from botkit.protocols import Hub

log = structlog.get_logger("botkit.feishu")

PREPARE_WITHIN = 0.95
"""Seconds to ask whether a topic is followed, for names, and for what was said before; with the two that the store has
to take the message in they stay under Feishu's three."""
REMEMBERED = 2000
"""Messages whose recall, or whose repeat under another id, would still be understood."""
NOT_KEPT = "I could not take that just now. Please press again."

_Found = TypeVar("_Found")


class Intake:
    """Takes deliveries in, from whichever way they come; those of one chat one after the other."""

    def __init__(
        self,
        hub: Hub,
        me: Me,
        people: People,
        history: History,
        *,
        context: int,
        known: Callable[[Conversation], None],
        recalled: Callable[[str], None],
    ) -> None:
        """`known` is told of each conversation somebody writes in, `recalled` of each message that is taken back."""
        self._hub, self.me, self._people, self._history, self._context = hub, me, people, history, context
        self._known, self._recalled = known, recalled
        self._taken: OrderedDict[str, Message] = OrderedDict()
        self._seen: OrderedDict[str, str] = OrderedDict()
        self._chats: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.closed = False
        """Take nothing more: what is not acknowledged comes again, to the next process."""

    async def receive(self, event: Json) -> Json:
        """Take an event and say what to answer. Raises StoreError: then Feishu must not be told that it arrived."""
        delivery = read(event, Delivery)
        if delivery is None:
            log.info("not_understood", event=_kind(event))
            return {}
        if _kind(event) != "card.action.trigger":
            await self.take(delivery)
            return {}
        try:
            await self.take(delivery)
        except StoreError as problem:
            # A press is not delivered again: whoever pressed is told.
            log.warning("press_not_taken", problem=str(problem))
            return {"toast": {"type": "error", "content": NOT_KEPT}}
        return {}

    async def take(self, delivery: Delivery) -> bool:
        """Whether a message was taken. Raises StoreError."""
        if self.closed:
            raise StoreError("the Feishu adapter is closing")
        gone = recalled(delivery)
        if gone:
            self._recalled(gone)
            before = self._taken.get(gone)
            return before is not None and bool(await self._hub.deliver(deleted(before)))
        sign = entered(delivery, self.me)
        if sign is not None:
            self._hub.warm(*sign)
            return False
        message = parse(delivery, self.me)
        if message is None:
            return False
        in_order = self._chats.setdefault(message.conversation.channel, asyncio.Lock())
        async with in_order:
            return await self._take(delivery, message)

    async def _take(self, delivery: Delivery, message: Message) -> bool:
        if not self._hub.allowed(message):
            return bool(await self._hub.deliver(message))
        if message.kind == "new":
            self._known(message.conversation)
        mark = fingerprint(delivery) if message.kind == "new" else ""
        if mark and self._seen.get(mark, message.id) != message.id:
            log.info("delivered_again", message=message.id, before=self._seen[mark])
            return False
        message = await self._completed(delivery, message, asyncio.get_running_loop().time() + PREPARE_WITHIN)
        taken = bool(await self._hub.deliver(message))
        if taken and message.kind == "new":
            self._taken[message.id] = message
            self._seen[mark] = message.id
            for remembered in (self._taken, self._seen):
                while len(remembered) > REMEMBERED:
                    remembered.popitem(last=False)
        return taken

    async def _completed(self, delivery: Delivery, message: Message, until: float) -> Message:
        """With its author's name and with what was said before, as far as Feishu answers in time."""
        raw = written(delivery)
        joins = message.kind == "new" and in_topic(raw)
        follows = (joins or may_follow_up(message, raw, self.me)) and await self._follows(message, until)
        if follows and may_follow_up(message, raw, self.me):
            message = replace(message, addressed=True)
        if not message.addressed:
            return message
        where, wants = message.conversation, joins and not follows and not message.conversation.direct
        async with asyncio.TaskGroup() as group:
            author = message.author.id
            names = group.create_task(_within(until, self._people.names([author]), {}))
            before = self._history.before(where, message.id, self._context) if wants and self._context else None
            said = group.create_task(_within(until, before, "")) if before is not None else None
            # A message that forwards others shows them only to who asks for it.
            passes_on = raw.get("message_type") == "merge_forward"
            parent = message.id if passes_on else quoted(raw) if message.kind == "new" and said is None else ""
            quote = group.create_task(_within(until, self._history.quote(parent), "")) if parent else None
        context = said.result() if said else quote.result() if quote else ""
        name = names.result().get(author, "")
        return replace(message, author=replace(message.author, name=name), context=context)

    async def _follows(self, message: Message, until: float) -> bool:
        try:
            async with asyncio.timeout_at(until):
                return await self._hub.follows(message.conversation)
        except TimeoutError:
            raise StoreError(f"the store did not answer within {PREPARE_WITHIN:g} s") from None

    def mentions_me(self, delivery: Delivery) -> bool:
        """Asked of what was missed in chats, where not everything is for the bot."""
        return any(is_mention_of(one, self.me.open_id) for one in written(delivery).get("mentions") or ())


async def _within(until: float, asked: Awaitable[_Found], otherwise: _Found) -> _Found:
    """The answer, if it comes in time and is none of Feishu's refusals."""
    try:
        async with asyncio.timeout_at(until):
            return await asked
    except (AdapterError, TimeoutError) as problem:
        log.warning("taken_without", problem=str(problem) or type(problem).__name__)
        return otherwise


def _kind(event: Json) -> object:
    return (read(event.get("header"), Json) or {}).get("event_type")
