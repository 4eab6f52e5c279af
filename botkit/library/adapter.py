"""The program itself as a platform: what it asks comes in as a message, and it hears the events of the turn."""

from __future__ import annotations

import asyncio
import mimetypes
import shutil
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from pydantic import BaseModel

from botkit.bot import Bot
from botkit.display import Display
from botkit.errors import Gone, NotAllowed
from botkit.events import Outcome, TurnEvent, TurnFailed, TurnFinished
from botkit.model import Attachment, Capabilities, Conversation, Message, MessageRef, Outgoing, ReplyState, User
from botkit.plugins import AdapterPlugin
from botkit.protocols import Checkpoint, Hub, Reply
from botkit.turns import take_back

NAME = "python"
"""The first part of a conversation's key."""


class Heard:
    """The reply: holds the events until the program takes them."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[TurnEvent] = asyncio.Queue()
        self._outcome: Outcome | None = None

    @property
    def state(self) -> ReplyState:
        return ReplyState()

    @property
    def delivered(self) -> bool:
        return self._outcome is not None

    def push(self, event: TurnEvent) -> None:
        if isinstance(event, TurnFinished | TurnFailed):
            self._outcome = event
        self._events.put_nowait(event)

    async def __aenter__(self) -> Heard:
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._outcome is None:
            self.push(TurnFailed("interrupted"))

    async def events(self) -> AsyncIterator[TurnEvent]:
        """The turn's events, up to its outcome."""
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, TurnFinished | TurnFailed):
                return


class Silent:
    """Implements `Messenger` where there is nobody to be told anything but the answer."""

    capabilities = Capabilities(max_chars=1_000_000)

    def render(self, markdown: str) -> str:
        return markdown

    def size(self, rendered: str) -> int:
        return len(rendered)

    async def send(self, conversation: Conversation, outgoing: Outgoing) -> MessageRef:
        del conversation, outgoing
        raise NotAllowed("a program hears events, not messages")

    async def edit(self, ref: MessageRef, outgoing: Outgoing) -> None:
        del ref, outgoing
        raise NotAllowed("a program hears events, not messages")

    async def find(self, conversation: Conversation, nonce: str) -> MessageRef | None:
        del conversation, nonce
        return None


class LibraryAdapter:
    """Implements `Adapter` for the program botkit runs in."""

    name = NAME
    messenger = Silent()

    def __init__(self) -> None:
        self._hub: Hub | None = None
        self._waiting: dict[str, Heard] = {}

    @asynccontextmanager
    async def connect(self, hub: Hub) -> AsyncGenerator[None]:
        self._hub = hub
        try:
            yield
        finally:
            self._hub = None

    @asynccontextmanager
    async def ask(
        self, bot: Bot, text: str, conversation: Conversation, user: str, files: Sequence[Path], *, verbatim: bool
    ) -> AsyncGenerator[AsyncIterator[TurnEvent]]:
        """Deliver a message; inside, its events come. `verbatim`: it is no command of the CLI either.

        Leaving before the outcome takes the message back. Raises NotAllowed when it is not taken, StoreError.
        """
        if self._hub is None:
            raise NotAllowed("the agent is closed")
        message = Message(
            uuid4().hex,
            conversation,
            User(user),
            text,
            time.time(),
            attachments=tuple(_attached(files)),
            kept=False,
            verbatim=verbatim,
        )
        heard = self._waiting[message.id] = Heard()
        try:
            if not await self._hub.deliver(message):
                raise NotAllowed("nothing answers this message")
            try:
                yield heard.events()
            finally:
                if not heard.delivered:
                    await take_back(bot, message)
        finally:
            del self._waiting[message.id]

    def reply_to(
        self,
        message: Message,
        *,
        nonce: str,
        display: Display | None = None,
        resume: ReplyState | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Reply:
        del nonce, display, resume, checkpoint
        return self._waiting.get(message.id) or Heard()

    async def download(self, attachment: Attachment, into: Path) -> Path:
        try:
            await asyncio.to_thread(shutil.copyfile, attachment.id, into)
        except OSError as problem:
            raise Gone(f"{attachment.name}: {problem.strerror}") from problem
        return into


def _attached(files: Sequence[Path]) -> list[Attachment]:
    return [
        Attachment(str(path), path.name, mimetypes.guess_type(path.name)[0] or "application/octet-stream", _size(path))
        for path in files
    ]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as problem:
        raise Gone(f"{path}: {problem.strerror}") from problem


class NoSettings(BaseModel):
    """There is nothing to set."""


def _create(name: str, settings: NoSettings) -> LibraryAdapter:
    del name, settings
    return LibraryAdapter()


plugin = AdapterPlugin(NoSettings, _create)
