"""HTTP as a platform: a request is a message, its answer the reply, and the API key vouches for whoever asks."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import uuid4

import structlog

from adapters.http.authors import KEY
from adapters.http.reply import HttpReply, Waiting
from adapters.http.runs import RunDesk, RunReply
from adapters.http.settings import HttpSettings
from botkit.display import Display
from botkit.errors import Gone, NotAllowed
from botkit.events import FileOffered
from botkit.folders import upload_folder
from botkit.model import Attachment, Capabilities, Conversation, Message, MessageRef, Outgoing, ReplyState, Role
from botkit.protocols import Checkpoint, Hub, Reply

log = structlog.get_logger("botkit")

INBOX = "http"
"""Holds received files, among the uploads of a bot's workdir, until their turn fetches them."""


class HttpAdapter:
    """Implements `Adapter` and `Authority`. Its requests come from the gateway, which has verified their keys."""

    capabilities = Capabilities(max_chars=10_000_000, edits=False, buttons=False, ordered=False)

    def __init__(self, name: str, settings: HttpSettings) -> None:
        self.name, self.settings = name, settings
        self.hub: Hub | None = None
        """The bot, while it takes messages."""
        self.desk: RunDesk | None = None
        """Where the outcomes of runs go for which nobody waits; the gateway's."""
        self.bot = ""
        """The bot's name."""
        self._waiting: dict[str, Waiting] = {}

    @property
    def messenger(self) -> HttpAdapter:
        return self

    @asynccontextmanager
    async def connect(self, hub: Hub) -> AsyncGenerator[None]:
        self.hub, self.bot = hub, hub.bot
        try:
            yield
        finally:
            self.hub = None

    def role(self, message: Message) -> Role | None:
        """Only the gateway makes messages of this adapter, and only for verified keys."""
        return "user" if message.author.id.startswith(KEY) else None

    def attach(self, desk: RunDesk, bot: str) -> None:
        """Give it the gateway's desk. Before the bot connects: what a crash cut off is taken up even earlier."""
        self.desk, self.bot = desk, bot

    def wait(self, message: str) -> Waiting:
        """What will happen in the turn of the message with this id. Before it is delivered; `forget` afterwards."""
        waiting = self._waiting[message] = Waiting()
        return waiting

    def forget(self, message: str) -> None:
        self._waiting.pop(message, None)

    def reply_to(
        self,
        message: Message,
        *,
        nonce: str,
        display: Display | None = None,
        resume: ReplyState | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Reply:
        del display, resume, checkpoint  # a program sees every event, and nothing is posted that could be edited
        if message.kept:
            return RunReply(self, message, nonce)
        return HttpReply(self._waiting.get(message.id) or Waiting())

    async def hold(self, workdir: Path, data: bytes, name: str, media_type: str) -> Attachment:
        """Keep the bytes of a file until its turn fetches them. Raises OSError, Refused."""
        path = await asyncio.to_thread(_write, workdir, data)
        return Attachment(str(path), name, media_type, len(data))

    async def drop(self, attachments: Sequence[Attachment]) -> None:
        """Delete held files that were not fetched."""
        if attachments:
            await asyncio.to_thread(_delete, [Path(attachment.id) for attachment in attachments])

    async def discard(self, files: Sequence[FileOffered]) -> None:
        """Delete what Claude sent in a call that nothing remembers."""
        await asyncio.to_thread(_discard, [file.copy for file in files])

    async def download(self, attachment: Attachment, into: Path) -> Path:
        """A file is fetched once: it moves."""
        try:
            await asyncio.to_thread(shutil.move, attachment.id, into)
        except OSError as problem:
            log.warning("file_gone", problem=str(problem))
            raise Gone(f"{attachment.name} is no longer there: {problem.strerror}") from problem
        return into

    def render(self, markdown: str) -> str:
        return markdown

    def size(self, rendered: str) -> int:
        return len(rendered)

    async def send(self, conversation: Conversation, outgoing: Outgoing) -> MessageRef:
        raise NotAllowed(f"nobody waits in {conversation.key} for {outgoing.text[:40]!r}")

    async def edit(self, ref: MessageRef, outgoing: Outgoing) -> None:
        await self.send(ref.conversation, outgoing)

    async def find(self, conversation: Conversation, nonce: str) -> MessageRef | None:
        del conversation, nonce
        return None

    async def check(self) -> str:
        return "HTTP, through the gateway"


def _delete(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _discard(paths: Sequence[Path]) -> None:
    _delete(paths)
    for folder in {path.parent for path in paths}:
        with suppress(OSError):
            folder.rmdir()


def _write(workdir: Path, data: bytes) -> Path:
    workdir.mkdir(parents=True, exist_ok=True)
    path = upload_folder(workdir, INBOX) / uuid4().hex
    path.write_bytes(data)
    return path
