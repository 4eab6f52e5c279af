"""The terminal as a platform: one person, one conversation, this working directory."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from uuid import uuid4

from adapters.console.chats import QUIT, Piped, typed
from adapters.console.desk import CAPABILITIES, Desk
from adapters.console.person import Person
from adapters.console.printer import Printer
from adapters.console.progress import Block
from adapters.console.reply import LiveReply, PlainReply
from adapters.console.safe import safe
from adapters.console.screen import Screen
from adapters.console.source import lines_in, lines_of
from botkit.display import Display
from botkit.errors import AdapterError
from botkit.model import Attachment, Capabilities, Conversation, Message, MessageRef, Outgoing, ReplyState
from botkit.protocols import Checkpoint, Hub, Reply

STOPPING = "Stopping…"


class ConsoleAdapter:
    """With a terminal a screen, otherwise plain text; with a `script` its lines instead of what somebody types.

    `await closed()` returns when the person left or the last line was answered; `answered` says whether all were.
    """

    def __init__(
        self,
        name: str = "console",
        *,
        script: Sequence[str] = (),
        history: Path | None = None,
        place: str = "",
    ) -> None:
        self._name, self._script = name, tuple(script)
        self._place = Conversation(name, "local", place or str(Path.cwd()), direct=True)
        self._desk, self._printer = Desk(), Printer(sys.stdout)
        self._person: Person | None = None
        self._stopping: set[asyncio.Task[None]] = set()
        self._closed, self._complete = asyncio.Event(), False
        drawn = sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._live, self._history = drawn and not self._script, history
        self._screen: Screen | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def answered(self) -> bool:
        """Every line was answered by a turn that did not fail. Meant for a chat without a screen."""
        return self._complete and self._desk.answered

    @property
    def messenger(self) -> ConsoleAdapter:
        return self

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    async def closed(self) -> None:
        await self._closed.wait()

    @asynccontextmanager
    async def connect(self, hub: Hub) -> AsyncGenerator[None]:
        if self._live and self._screen is None:
            offered = [*(command.name for command in hub.commands), *(name.lstrip("/") for name in QUIT)]
            self._screen = Screen(self._history, self._interrupt, offered, self._types)
        self._person = Person(hub, self._desk, self._place, self._tell)
        leaving = asyncio.Event()
        talking = asyncio.create_task(self._talk(self._person, leaving), name="console")
        try:
            yield
        finally:
            leaving.set()
            await asyncio.gather(talking, *self._stopping)

    def reply_to(
        self,
        message: Message,
        *,
        nonce: str,
        display: Display | None = None,
        resume: ReplyState | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Reply:
        if self._screen:
            return LiveReply(nonce, message, self._screen, self._desk, display or Display(), resume, checkpoint)
        return PlainReply(nonce, message, self._printer.write, self._desk, display or Display(), resume, checkpoint)

    async def download(self, attachment: Attachment, into: Path) -> Path:
        raise AdapterError(f"nothing can be attached in a terminal, so {attachment.name} does not get to {into}")

    def render(self, markdown: str) -> str:
        return safe(markdown)

    def size(self, rendered: str) -> int:
        return len(rendered)

    async def send(self, conversation: Conversation, outgoing: Outgoing) -> MessageRef:
        files = [f"- `{file}`" for file in outgoing.files]
        await self._tell("\n\n".join(part for part in (outgoing.text, "\n".join(files)) if part))
        return MessageRef(conversation, uuid4().hex)

    async def edit(self, ref: MessageRef, outgoing: Outgoing) -> None:
        await self.send(ref.conversation, outgoing)

    async def find(self, conversation: Conversation, nonce: str) -> MessageRef | None:
        del conversation, nonce  # a terminal cannot be asked what is on it, and a repeated line does no harm
        return None

    async def check(self) -> str:
        return "a terminal" if self._live else "no terminal: plain text"

    async def _talk(self, person: Person, leaving: asyncio.Event) -> None:
        try:
            if self._screen:
                await typed(self._screen, person, leaving)
                return
            async with aclosing(lines_in(self._script) if self._script else lines_of(sys.stdin.fileno())) as lines:
                piped = Piped(lines, person, self._desk, self._printer, scripted=bool(self._script))
                self._complete = await piped.run(leaving)
        finally:
            self._closed.set()

    async def _tell(self, text: str) -> None:
        if self._screen:
            await self._screen.print([Block("markdown", text)])
        else:
            await self._printer.write(text)

    def _types(self) -> None:
        if self._person is not None:
            self._person.types()

    def _interrupt(self) -> bool:
        """Ctrl-C: stop what runs. False: nothing does."""
        if not self._desk.busy or self._person is None:
            return False
        if not self._stopping:
            task = asyncio.create_task(self._stop(self._person), name="console-stop")
            self._stopping.add(task)
            task.add_done_callback(self._stopping.discard)
        return True

    async def _stop(self, person: Person) -> None:
        if self._screen:
            self._screen.show(STOPPING, [Block("dim", STOPPING)])
            await person.interrupt()
            self._screen.show(STOPPING, [])
