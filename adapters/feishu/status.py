"""The sign that work goes on: a reaction on the message that is answered. Nothing depends on it."""

from __future__ import annotations

import asyncio

import structlog

from adapters.feishu.api import Api
from botkit.errors import AdapterError, NotAllowed
from botkit.events import TurnEvent
from botkit.model import ReplyState
from botkit.protocols import Reply

log = structlog.get_logger("botkit.feishu")

PATIENCE = 5.0
"""Seconds to wait for the sign to be taken away when the reply is done."""
REACTIONS = "/open-apis/im/v1/messages/{}/reactions"


class Sign:
    """Puts the reaction on a message and takes it away."""

    def __init__(self, api: Api, emoji: str) -> None:
        self._api, self._emoji = api, emoji

    @property
    def wanted(self) -> bool:
        return bool(self._emoji)

    async def show(self, message: str, over: asyncio.Event) -> None:
        """Show it until `over`."""
        body = {"reaction_type": {"emoji_type": self._emoji}}
        try:
            made = await self._api.call("POST", REACTIONS, message, json=body)
            await over.wait()
            reaction = made.get("reaction_id")
            if isinstance(reaction, str):
                await self._api.call("DELETE", REACTIONS + "/{}", message, reaction)
        except AdapterError as problem:
            log.info("no_reaction", problem=str(problem))
            if isinstance(problem, NotAllowed):
                self._emoji = ""  # the scope or the emoji is missing: do not ask again


class ReplyWithSign:
    """A reply that shows the sign for as long as it is open."""

    def __init__(self, reply: Reply, sign: Sign, message: str) -> None:
        self._reply, self._sign, self._message = reply, sign, message
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def state(self) -> ReplyState:
        return self._reply.state

    @property
    def delivered(self) -> bool:
        return self._reply.delivered

    def push(self, event: TurnEvent) -> None:
        self._reply.push(event)

    async def __aenter__(self) -> ReplyWithSign:
        self._task = asyncio.create_task(self._sign.show(self._message, self._over), name=f"sign-{self._message}")
        await self._reply.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        try:
            await self._reply.__aexit__(*exc)
        finally:
            self._over.set()
            if self._task is not None:
                done, _ = await asyncio.wait([self._task], timeout=PATIENCE)
                if not done:
                    self._task.cancel()
                    await asyncio.wait([self._task])
