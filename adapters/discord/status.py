"""Shows that the bot is typing for as long as it works. Nothing depends on it."""

from __future__ import annotations

import asyncio

import structlog

from adapters.discord.api import Api
from adapters.discord.threads import Threads
from botkit.errors import AdapterError, NotAllowed
from botkit.events import TurnEvent, TurnFailed, TurnFinished
from botkit.model import Conversation, ReplyState
from botkit.protocols import Reply

log = structlog.get_logger("botkit.discord")

REFRESH = 8.0
"""Seconds; Discord shows it for ten."""
PATIENCE = 5.0
"""Seconds to wait for a call under way when the reply is done."""


class Typing:
    """The typing indicator of a reply's channel."""

    def __init__(self, api: Api, threads: Threads) -> None:
        self._api, self._threads = api, threads

    async def show(self, conversation: Conversation, over: asyncio.Event) -> None:
        """Show it until `over`. Makes the thread, if there is none yet, so that it is seen there."""
        while not over.is_set():
            try:
                target = await self._threads.target(conversation)
                await self._api.call("POST", "/channels/{}/typing", target.channel, rank="idle")
            except AdapterError as problem:
                log.info("no_typing", conversation=conversation.key, problem=str(problem))
                if isinstance(problem, NotAllowed):
                    return
            try:
                async with asyncio.timeout(REFRESH):
                    await over.wait()
            except TimeoutError:
                continue


class ReplyWithTyping:
    """A reply that shows it while it is open and the turn is not over."""

    def __init__(self, reply: Reply, typing: Typing, conversation: Conversation) -> None:
        self._reply, self._typing, self._conversation = reply, typing, conversation
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def state(self) -> ReplyState:
        return self._reply.state

    @property
    def delivered(self) -> bool:
        return self._reply.delivered

    def push(self, event: TurnEvent) -> None:
        if isinstance(event, TurnFinished | TurnFailed):
            self._over.set()
        self._reply.push(event)

    async def __aenter__(self) -> ReplyWithTyping:
        await self._reply.__aenter__()
        showing = self._typing.show(self._conversation, self._over)
        self._task = asyncio.create_task(showing, name=f"typing-{self._conversation.key}")
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._over.set()
        try:
            await self._reply.__aexit__(*exc)
        finally:
            if self._task is not None:
                await _ended(self._task)


async def _ended(task: asyncio.Task[None]) -> None:
    done, _ = await asyncio.wait([task], timeout=PATIENCE)
    if not done:
        task.cancel()
        await asyncio.wait([task])
