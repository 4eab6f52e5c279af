"""How an answer appears in the terminal: live where there is one, once and plainly where there is not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine

from adapters.console.desk import Desk
from adapters.console.progress import Progress, lying
from adapters.console.screen import Screen
from botkit.display import Display
from botkit.events import (
    ApprovalAsked,
    FileOffered,
    Outcome,
    QuestionAsked,
    RequestClosed,
    TurnEvent,
    TurnFailed,
    TurnFinished,
)
from botkit.markdown import unfolded
from botkit.model import Message, MessageRef, ReplyState
from botkit.protocols import Checkpoint
from botkit.stopwatch import Stopwatch
from botkit.view import View

INTERVAL = 0.08
"""Seconds between two looks of the screen."""
TICK = 1.0
"""Seconds after which the time a turn takes is shown anew."""


class Files:
    """Which files of a turn have been shown; `left` are those that an earlier process did not get to."""

    def __init__(self, resume: ReplyState | None) -> None:
        past = resume or ReplyState()
        self.sent = past.sent
        self.left = tuple(file for file in past.files if file.id not in past.sent)

    def new(self, file: FileOffered) -> bool:
        """Whether it is shown for the first time; from now on it is not."""
        if file.id in self.sent:
            return False
        self.sent += (file.id,)
        return True


class LiveReply:
    """Prints what is settled, shows what still changes above the prompt."""

    def __init__(
        self,
        key: str,
        message: Message,
        screen: Screen,
        desk: Desk,
        display: Display,
        resume: ReplyState | None,
        checkpoint: Checkpoint | None,
    ) -> None:
        self._key, self._message, self._screen = key, message, screen
        self._desk, self._checkpoint = desk, checkpoint
        self._resumed = resume.text if resume else ""
        self._progress = Progress(display, self._resumed)
        self._outcome: Outcome | None = None
        self._asked: list[str] = []
        self._dirty, self._leaving = asyncio.Event(), asyncio.Event()
        self._showing: asyncio.Task[None] | None = None
        self._watch = Stopwatch(time.monotonic)
        self._refs: tuple[MessageRef, ...] = ()
        self._files = Files(resume)
        self.delivered = False

    @property
    def state(self) -> ReplyState:
        text = "\n\n".join(part for part in (self._resumed, self._progress.text) if part)
        return ReplyState(self._refs, text=text, sent=self._files.sent)

    def push(self, event: TurnEvent) -> None:
        if isinstance(event, ApprovalAsked | QuestionAsked):
            self._asked.append(event.id)
            self._progress.ask(self._desk.ask(event))
        elif isinstance(event, RequestClosed):
            self._desk.closed(event)
        elif isinstance(event, TurnFinished | TurnFailed):
            self._outcome = self._outcome or event
        elif isinstance(event, FileOffered) and not self._files.new(event):
            return
        self._progress.fold(event)
        self._watch.run(going=self._progress.working)
        self._dirty.set()

    async def __aenter__(self) -> LiveReply:
        self._desk.opened(self._message.id)
        for file in self._files.left:
            self.push(file)
        self._showing = asyncio.create_task(self._show(), name=f"console-{self._key}")
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._progress.end(self._outcome)
        self._leaving.set()
        self._dirty.set()
        if self._showing:
            await self._showing
        self.delivered = True
        self._desk.forget(self._asked)
        self._desk.over(self._message.id, self._outcome)

    async def _show(self) -> None:
        last = False
        while not last:
            await self._news()
            self._progress.elapsed = self._watch.seconds
            self._dirty.clear()
            last = self._leaving.is_set()
            ready = self._progress.take()
            self._screen.show(self._key, self._progress.tail())
            await self._screen.print(ready)
            if ready:
                self._printed()
            try:
                async with asyncio.timeout(INTERVAL):
                    await self._leaving.wait()
            except TimeoutError:
                continue

    async def _news(self) -> None:
        """Wait until something has changed; while the turn works the time does."""
        try:
            async with asyncio.timeout(TICK if self._progress.working else None):
                await self._dirty.wait()
        except TimeoutError:
            return

    def _printed(self) -> None:
        self._refs = (MessageRef(self._message.conversation, self._key),)
        if self._checkpoint is not None:
            self._checkpoint.shown(self.state)


class PlainReply:
    """Prints the final text once; approvals and questions as they come."""

    def __init__(
        self,
        key: str,
        message: Message,
        write: Callable[[str], Coroutine[None, None, None]],
        desk: Desk,
        display: Display,
        resume: ReplyState | None,
        checkpoint: Checkpoint | None,
    ) -> None:
        self._message, self._write, self._desk, self._display = message, write, desk, display
        self._ref, self._checkpoint = MessageRef(message.conversation, key), checkpoint
        self._view = View(resume.text, interrupted=resume.interrupted) if resume else View()
        self._asked: list[str] = []
        self._asking: list[asyncio.Task[None]] = []
        self._files = Files(resume)
        self.delivered = False

    @property
    def state(self) -> ReplyState:
        return ReplyState((self._ref,) if self.delivered else (), text=self._view.text, sent=self._files.sent)

    def push(self, event: TurnEvent) -> None:
        if isinstance(event, ApprovalAsked | QuestionAsked):
            self._asked.append(event.id)
            self._say(self._desk.ask(event))
        elif isinstance(event, RequestClosed):
            self._desk.closed(event)
            self._say(event.text)
        elif isinstance(event, FileOffered) and self._files.new(event):
            self._say(lying(event))
            if self._checkpoint is not None:
                self._checkpoint.shown(self.state)
        self._view.fold(event)

    async def __aenter__(self) -> PlainReply:
        self._desk.opened(self._message.id)
        for file in self._files.left:
            self.push(file)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await asyncio.gather(*self._asking)
        await self._write(unfolded(self._view.body(self._display, final=True)))
        self.delivered = True
        if self._checkpoint is not None:
            self._checkpoint.shown(self.state)
        self._desk.forget(self._asked)
        self._desk.over(self._message.id, self._view.outcome)

    def _say(self, text: str) -> None:
        self._asking.append(asyncio.create_task(self._write(text)))
