"""A platform in memory: say something as a person, look at what the bot shows. For tests of bots and handlers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from botkit.budget import UNLIMITED
from botkit.display import Display
from botkit.errors import Gone
from botkit.model import Attachment, Capabilities, Conversation, Kind, Message, ReplyState, User
from botkit.pacing import Pacer
from botkit.protocols import Checkpoint, Hub, Reply
from botkit.reply import EditReply
from botkit.testing.messengers import MemoryMessenger

CAPABILITIES = Capabilities(max_chars=4000, edit_interval=0.01)


class MemoryAdapter:
    """Implements `botkit.protocols.Adapter`; `messenger` holds everything that was posted."""

    def __init__(self, name: str = "memory", *, capabilities: Capabilities = CAPABILITIES) -> None:
        self._name = name
        self.memory = MemoryMessenger(capabilities)
        self.files: dict[str, bytes] = {}
        """What `download` serves, by attachment id."""
        self.hub: Hub | None = None
        self._pacer = Pacer({"post": UNLIMITED, "edit": UNLIMITED})

    @property
    def name(self) -> str:
        return self._name

    @property
    def messenger(self) -> MemoryMessenger:
        return self.memory

    @asynccontextmanager
    async def connect(self, hub: Hub) -> AsyncGenerator[None]:
        self.hub = hub
        try:
            yield
        finally:
            self.hub = None

    def reply_to(
        self,
        message: Message,
        *,
        nonce: str,
        display: Display | None = None,
        resume: ReplyState | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Reply:
        return EditReply(
            self.memory,
            message.conversation,
            nonce=nonce,
            pacer=self._pacer,
            display=display,
            resume=resume,
            checkpoint=checkpoint,
        )

    async def download(self, attachment: Attachment, into: Path) -> Path:
        if attachment.id not in self.files:
            raise Gone("there is no such file")
        await asyncio.to_thread(into.write_bytes, self.files[attachment.id])
        return into

    def place(self, thread: str = "1", *, direct: bool = False) -> Conversation:
        """A conversation of this adapter."""
        return Conversation(self._name, "space", "channel", thread, direct)

    def message(
        self,
        text: str,
        *,
        user: str = "ann",
        thread: str = "1",
        id: str = "",
        kind: Kind = "new",
        reply_to: str = "",
        attachments: tuple[Attachment, ...] = (),
    ) -> Message:
        """What a person says, with an id of its own."""
        return Message(
            id or f"msg-{uuid4().hex[:12]}",
            self.place(thread),
            User(user, user.title()),
            text,
            time.time(),
            kind=kind,
            reply_to=reply_to,
            attachments=attachments,
        )

    async def say(self, text: str, *, user: str = "ann", thread: str = "1") -> str:
        """Deliver a message as the platform would; its turn's id, '' when it was not taken."""
        assert self.hub is not None, "not connected"
        return await self.hub.deliver(self.message(text, user=user, thread=thread))

    def texts(self, thread: str = "1") -> list[str]:
        """What people see of the bot in a thread now."""
        return [shown.text for shown in self.memory.seen(self.place(thread))]

    async def until_text(self, wanted: str, thread: str = "1") -> None:
        """Wait until a message of the thread contains a text."""
        await self.memory.until(lambda: any(wanted in text for text in self.texts(thread)))
