"""The person at the terminal: what they type becomes messages."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from uuid import uuid4

from adapters.console.desk import DECISIONS, Desk
from botkit.errors import BotkitError
from botkit.model import Conversation, Message, User
from botkit.protocols import Hub

USER = User("console", "you")
NOT_TAKEN = "⚠️ This was not taken: the bot has no answer for it, or its config does not allow the user `console`."

NOT_STOPPED = "⚠️ Nothing could be stopped just now. Press Ctrl-C again if it goes on."


class Person:
    """Delivers lines; `tell` shows a problem, as Markdown."""

    def __init__(self, hub: Hub, desk: Desk, place: Conversation, tell: Callable[[str], Awaitable[None]]) -> None:
        self._hub, self._desk, self._place, self._tell = hub, desk, place, tell

    def decides(self, line: str) -> bool:
        """Whether a line is about an open request: a number on the screen, or `/allow`, `/deny`, `/answer`."""
        return self._desk.pressed(line.strip()) is not None or self._message(line).command in DECISIONS

    async def say(self, line: str) -> None:
        """Hand a line in. A decision is no line that waits for an answer."""
        message = self._message(line)
        decision = self.decides(line)
        if not decision:
            self._desk.said(message)
        try:
            taken = bool(await self._hub.deliver(message))
        except BotkitError as problem:
            await self._tell(f"⚠️ This was not taken: {problem}")
            taken = False
        else:
            if not taken:
                await self._tell(NOT_TAKEN)
        if not taken:
            self._desk.over(message.id, None)

    def types(self) -> None:
        """A key is touched: a line will come."""
        self._hub.warm(self._place, USER)

    async def refuse(self, request: str) -> None:
        """Nobody is there any more to decide."""
        await self.say(f"/deny {request} nobody is there to decide")

    async def interrupt(self) -> None:
        """Stop what runs here."""
        try:
            if not await self._hub.stop(self._place):
                await self._tell(NOT_STOPPED)
        except BotkitError as problem:
            await self._tell(f"⚠️ It could not be stopped: {problem}")

    def _message(self, line: str) -> Message:
        text = line.strip()
        action = self._desk.pressed(text)
        return Message(
            id=uuid4().hex,
            conversation=self._place,
            author=USER,
            text=action.command if action else text,
            sent_at=time.time(),
            kind="action" if action else "new",
        )
