"""The sign that work goes on: the thread's status line or an :eyes: reaction."""

from __future__ import annotations

from math import inf
from typing import Literal

import structlog

from adapters.slack.api import Api
from adapters.slack.parse import timestamp
from botkit.errors import NotAllowed
from botkit.model import Message
from botkit.signs import Sign

log = structlog.get_logger("botkit.slack")

Style = Literal["auto", "assistant", "reaction", "off"]

WORKING = "is working…"
EMOJI = "eyes"
REFRESH = 90.0
"""Seconds; Slack clears a thread's status by itself after two minutes."""


class Status:
    """Which ways of showing it the workspace allows, as far as is known."""

    def __init__(self, api: Api, style: Style) -> None:
        self.api = api
        self.assistant = style in ("auto", "assistant")
        self.reaction = style in ("auto", "reaction")

    def of(self, message: Message) -> Sign | None:
        """The sign of a message's reply; None where there can be none."""
        if self.assistant and message.conversation.thread:
            return _ThreadStatus(self, message)
        return _Reaction(self, message) if self.reaction and timestamp(message) else None


class _Reaction:
    fades = False

    def __init__(self, status: Status, message: Message) -> None:
        self._status, self.place = status, message.id
        self._what = {"channel": message.conversation.channel, "timestamp": timestamp(message), "name": EMOJI}

    async def show(self) -> float:
        await self._react("reactions.add", "already_reacted")  # by the process that had it before
        return inf

    async def hide(self) -> None:
        await self._react("reactions.remove", "no_reaction")

    async def _react(self, method: Literal["reactions.add", "reactions.remove"], done: str) -> None:
        try:
            await self._status.api.call(method, **self._what)
        except NotAllowed as problem:
            self._status.reaction = problem.code != "missing_scope"
            if problem.code != done:
                raise


class _ThreadStatus:
    """Becomes a reaction where the workspace has no status of threads: its plan, a scope."""

    fades = False

    def __init__(self, status: Status, message: Message) -> None:
        self._status, self._message = status, message
        self._instead: Sign | None = None

    @property
    def place(self) -> str:
        return self._message.conversation.key if self._instead is None else self._instead.place

    async def show(self) -> float:
        if self._instead is None:
            try:
                await self._set(WORKING)
            except NotAllowed as problem:
                self._status.assistant = False  # do not ask again
                log.info("no_status", problem=str(problem))
                self._instead = self._status.of(self._message)
                if self._instead is None:
                    raise
            else:
                return REFRESH
        return await self._instead.show()

    async def hide(self) -> None:
        await (self._set("") if self._instead is None else self._instead.hide())

    async def _set(self, status: str) -> None:
        where = self._message.conversation
        await self._status.api.call(
            "assistant.threads.setStatus", channel_id=where.channel, thread_ts=where.thread, status=status
        )
