"""What Slack remembers, for catching up: conversations, and channels in which the bot was called for the first time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog

from adapters.slack.history import History
from adapters.slack.intake import Intake
from adapters.slack.plain import mentions
from adapters.slack.wire import Event
from botkit.budget import Budget, Rate
from botkit.errors import NotAllowed
from botkit.model import Conversation

log = structlog.get_logger("botkit.slack")

PACE = Rate(30, burst=15)
"""conversations.history and conversations.replies take about 50 calls a minute each for the whole workspace, and who is
called into a thread needs some of them."""
THREADS = 10
"""Threads of one channel that are looked through for a call, those with the latest replies."""

Delivery = Mapping[str, object]


class SlackPast:
    """Implements `Past` for one account."""

    def __init__(self, adapter: str, intake: Intake, history: History, *, most: int, pace: Rate = PACE) -> None:
        """`most`: messages of one conversation; `pace`: of the calls."""
        self._adapter, self._intake, self._history, self._most = adapter, intake, history, most
        self._pace = Budget(pace)

    async def said(self, where: Conversation, since: float) -> Sequence[Delivery]:
        return [_delivery(event, where) for event in await self._missed(where, since)]

    async def channels(self, since: float, followed: Sequence[Conversation]) -> Sequence[Conversation]:
        """Those of followed threads, then the youngest: a direct message from somebody new is in a new channel."""
        del since  # no list says it
        known = [where.channel for where in followed if where.thread]
        try:
            known += await self._history.channels()
        except NotAllowed as problem:
            log.info("channels_not_listed", problem=str(problem))
        team, whole = self._intake.me.team, {where.channel for where in followed if not where.thread}
        ids = [id for id in dict.fromkeys(known) if id not in whole]
        return [Conversation(self._adapter, team, id, direct=id.startswith("D")) for id in ids]

    async def called(self, channel: Conversation, since: float) -> Sequence[Delivery]:
        """Also in threads that began since then. In direct messages everything is for the bot."""
        if channel.direct:
            return await self.said(channel, since)
        await self._pace.take(channel, "usual")
        events = await self._history.page(channel, since)
        answered = sorted((event for event in events if event.get("latest_reply")), key=_latest, reverse=True)
        for began in answered[:THREADS]:
            thread = Conversation(self._adapter, channel.space, channel.channel, began.get("ts", ""))
            replies = await self._missed(thread, since)
            events += [reply for reply in replies if reply.get("ts") != began.get("ts")]
        events.sort(key=lambda event: event.get("ts", ""))
        me = self._intake.me.user
        return [_delivery(event, channel) for event in events if me in mentions(event.get("text") or "")][-self._most :]

    async def _missed(self, where: Conversation, since: float) -> list[Event]:
        await self._pace.take(where, "usual")
        return await self._history.missed(where, since, self._most)

    async def take(self, one: Delivery) -> bool:
        return await self._intake.take(one)


def _latest(event: Event) -> str:
    return event.get("latest_reply") or ""


def _delivery(event: Event, conversation: Conversation) -> Delivery:
    """A message of a history as the event it would have been."""
    kind = "im" if conversation.channel.startswith("D") else "channel"
    return {
        "type": "event_callback",
        "event": {**event, "type": "message", "channel": conversation.channel, "channel_type": kind},
    }
