"""One turn at a time in a conversation: a lane keeps the order and lets people see their place and change it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from botkit import texts
from botkit.asides import Asides
from botkit.context import Context
from botkit.errors import Refused
from botkit.events import Waiting

QUEUE_RETRY = 5.0
"""Seconds after which whoever found a lane full may try again; a guess."""


class Withdrawn(Exception):
    """The turn was taken back before it began; `why` is for the sender, Markdown. `aside` as in `TurnFailed`."""

    def __init__(self, why: str = "", *, aside: bool = False) -> None:
        self.why, self.aside = why, aside
        super().__init__(why)


@dataclass(slots=True, eq=False)
class _Ticket:
    ctx: Context
    turn: asyncio.Event = field(default_factory=asyncio.Event)
    withdrawn: Withdrawn | None = None


@dataclass(slots=True)
class _Lane:
    running: Context | None = None
    waiting: list[_Ticket] = field(default_factory=list[_Ticket])


class Lanes:
    """All lanes of a bot. A lane exists while somebody is in it."""

    def __init__(self, queue: int) -> None:
        """`queue`: how many messages may wait in one conversation."""
        self.queue = queue
        self.asides = Asides(time.monotonic)
        """Refusals that stand in a conversation already."""
        self._lanes: dict[str, _Lane] = {}

    def running(self, conversation: str) -> Context | None:
        """Who is being answered in the conversation with this key."""
        lane = self._lanes.get(conversation)
        return lane.running if lane else None

    def waiting(self, conversation: str) -> int:
        lane = self._lanes.get(conversation)
        return len(lane.waiting) if lane else 0

    async def enter(self, ctx: Context) -> None:
        """Wait for one's turn; `leave` ends it. Raises Refused for a full queue, Withdrawn for a deleted message."""
        lane = self._lanes.setdefault(ctx.message.conversation.key, _Lane())
        if lane.running is not None or lane.waiting:
            await self._queue_up(lane, ctx)
        lane.running = ctx
        if lane.waiting:
            try:
                await self._show_places(lane)
            except BaseException:
                self.leave(ctx)
                raise

    def leave(self, ctx: Context) -> None:
        """The turn is over; the next one begins."""
        key = ctx.message.conversation.key
        lane = self._lanes[key]
        lane.running = None
        self._next(key, lane)

    async def _queue_up(self, lane: _Lane, ctx: Context) -> None:
        # What a restart takes up again was accepted before: it is never refused for a full queue.
        if len(lane.waiting) >= self.queue and not ctx.recovered:
            raise Refused(texts.queue_full(ctx.prefix, self.queue), code="queue_full", retry_after=QUEUE_RETRY)
        ticket = _Ticket(ctx)
        # Platforms deliver out of order at times; people are answered in the order in which they wrote.
        lane.waiting.append(ticket)
        lane.waiting.sort(key=lambda other: other.ctx.message.sent_at)
        try:
            await self._show_places(lane)
            await ticket.turn.wait()
        except BaseException:
            if ticket in lane.waiting:
                lane.waiting.remove(ticket)
            elif not ticket.withdrawn:
                self._next(ctx.message.conversation.key, lane)
            raise
        if ticket.withdrawn:
            raise ticket.withdrawn
        ctx.waited = True

    def _next(self, key: str, lane: _Lane) -> None:
        if lane.waiting:
            ticket = lane.waiting.pop(0)
            # The place is taken before the waiter wakes, so that nobody slips in between.
            lane.running = ticket.ctx
            ticket.turn.set()
        else:
            self._lanes.pop(key, None)

    async def _show_places(self, lane: _Lane) -> None:
        """Everybody hears it; but where it takes a message to say it, one stands for all: that of the first."""
        for ahead, ticket in enumerate(lane.waiting, start=1):
            behind = len(lane.waiting) - ahead
            await ticket.ctx.push(Waiting(ahead, behind, aside=ahead > 1))

    def everybody(self) -> list[Context]:
        """All who are being answered or wait."""
        found: list[Context] = []
        for lane in self._lanes.values():
            found += [lane.running] if lane.running is not None else []
            found += [ticket.ctx for ticket in lane.waiting]
        return found

    def find(self, conversation: str, message: str) -> Context | None:
        """Whoever is being answered or waits here for this message."""
        lane = self._lanes.get(conversation)
        known = [ticket.ctx for ticket in lane.waiting] if lane else []
        if lane and lane.running:
            known.append(lane.running)
        return next((ctx for ctx in known if ctx.message.id == message), None)

    async def withdraw(self, conversation: str, message: str, why: str = "", *, aside: bool = False) -> bool:
        """Take a waiting message out of its lane; its sender is told why."""
        lane = self._lanes.get(conversation)
        for ticket in lane.waiting if lane else ():
            if lane and ticket.ctx.message.id == message:
                lane.waiting.remove(ticket)
                ticket.withdrawn = Withdrawn(why, aside=aside)
                ticket.turn.set()
                await self._show_places(lane)
                return True
        return False

    async def clear(self, conversation: str) -> int:
        """Take every waiting message out; returns how many."""
        lane = self._lanes.get(conversation)
        ids = [ticket.ctx.message.id for ticket in lane.waiting] if lane else []
        for id in reversed(ids):  # nobody moves up meanwhile
            await self.withdraw(conversation, id, aside=True)
        return len(ids)
