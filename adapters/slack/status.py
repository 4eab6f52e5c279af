"""The sign that work goes on: the thread's status line or an :eyes: reaction. Nothing depends on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal

import structlog

from adapters.slack.api import Api
from adapters.slack.parse import timestamp
from botkit.errors import AdapterError, NotAllowed, RateLimited, Unreachable
from botkit.events import TurnEvent
from botkit.model import Message, ReplyState
from botkit.protocols import Reply

log = structlog.get_logger("botkit.slack")

Style = Literal["auto", "assistant", "reaction", "off"]

WORKING = "is working…"
EMOJI = "eyes"
REFRESH = 90.0
"""Seconds; Slack clears a thread's status by itself after two minutes."""
PATIENCE = 5.0
"""Seconds to wait for the sign to be taken away when the reply is done."""


class Status:
    """Shows and takes away the sign, in whichever way the workspace allows."""

    def __init__(self, api: Api, style: Style) -> None:
        self._api = api
        self._assistant = style in ("auto", "assistant")
        self._reaction = style in ("auto", "reaction")

    @asynccontextmanager
    async def shown(self, message: Message) -> AsyncGenerator[None]:
        """Show the sign while inside. Never raises and never makes anybody wait for Slack."""
        if not (self._assistant or self._reaction):
            yield
            return
        over = asyncio.Event()
        task = asyncio.create_task(self._show(message, over), name=f"status-{message.id}")
        try:
            yield
        finally:
            over.set()
            done, _ = await asyncio.wait([task], timeout=PATIENCE)
            if not done:
                task.cancel()
                await asyncio.wait([task])

    async def _show(self, message: Message, over: asyncio.Event) -> None:
        while self._assistant and message.conversation.thread and await self._set(message, WORKING):
            try:
                async with asyncio.timeout(REFRESH):
                    await over.wait()
            except TimeoutError:
                continue
            await self._set(message, "")
            return
        if self._reaction and not over.is_set() and await self._react("reactions.add", message):
            await over.wait()
            await self._react("reactions.remove", message)

    async def _set(self, message: Message, status: str) -> bool:
        where = message.conversation
        try:
            await self._api.call(
                "assistant.threads.setStatus", channel_id=where.channel, thread_ts=where.thread, status=status
            )
        except (RateLimited, Unreachable):
            return True
        except AdapterError as problem:
            # The workspace does not have it (plan, scope): do not ask again.
            self._assistant = not isinstance(problem, NotAllowed)
            log.info("no_status", problem=str(problem))
            return False
        return True

    async def _react(self, method: Literal["reactions.add", "reactions.remove"], message: Message) -> bool:
        ts = timestamp(message)
        if not ts:
            return False
        try:
            await self._api.call(method, channel=message.conversation.channel, timestamp=ts, name=EMOJI)
        except AdapterError as problem:
            self._reaction = problem.code != "missing_scope"
            log.info("no_reaction", problem=str(problem))
            return False
        return True


class ReplyWithStatus:
    """A reply that shows the sign for as long as it is open."""

    def __init__(self, reply: Reply, status: Status, message: Message) -> None:
        self._reply, self._shown = reply, status.shown(message)

    @property
    def state(self) -> ReplyState:
        return self._reply.state

    @property
    def delivered(self) -> bool:
        return self._reply.delivered

    def push(self, event: TurnEvent) -> None:
        self._reply.push(event)

    async def __aenter__(self) -> ReplyWithStatus:
        await self._shown.__aenter__()
        await self._reply.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        try:
            await self._reply.__aexit__(*exc)
        finally:
            await self._shown.__aexit__(None, None, None)
