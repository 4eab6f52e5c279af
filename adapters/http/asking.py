"""Asks a bot for a program: makes the message, reads the turn's events, and notes what they cost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from adapters.http.adapter import HttpAdapter
from adapters.http.authors import author
from adapters.http.call import Call
from adapters.http.errors import HttpError, of_outcome, unavailable
from adapters.http.reply import Waiting
from botkit.bot import Bot
from botkit.events import Outcome, TextDelta, ThinkingDelta, ToolStarted, TurnEvent, TurnFinished, TurnStarted
from botkit.model import PLAIN, Attachment, Conversation, Message, Overrides, User
from botkit.turns import take_back

SAID_WITHIN = 5.0
"""Seconds in which a turn that was stopped says what it took."""
STATELESS = "once"
"""What the channels of calls without a session begin with; no session's name has a `~` in it."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a program asks. `session` '' is a stateless call."""

    bot: Bot
    adapter: HttpAdapter
    text: str
    session: str = ""
    """The name of the conversation, the program's own."""
    user: str = ""
    """The end user, as the program calls them."""
    files: tuple[Attachment, ...] = ()
    overrides: Overrides = PLAIN
    leave: Literal["stop", "finish"] = "stop"
    """What becomes of the turn when the client goes."""


class Answer:
    """A turn as the request sees it."""

    def __init__(self, call: Call, waiting: Waiting, message: Message, turn: str) -> None:
        self._call, self._waiting = call, waiting
        self._late = self._due = call.due
        self.message, self.turn = message, turn
        self.text = ""
        """The answer as far as it was streamed."""

    @property
    def outcome(self) -> Outcome | None:
        return self._waiting.outcome

    def batches(self, heartbeat: float = 0.0) -> AsyncIterator[list[TurnEvent]]:
        """The events, all that have come meanwhile at a time, to the outcome.

        With `heartbeat`, an empty batch after so many silent seconds. Raises `Gone` when the client has gone,
        HttpError 504 when it took too long.
        """
        return _Batches(self, heartbeat)

    async def take(self, seconds: float) -> list[TurnEvent]:
        """The events that have come; none after so long. Raises as `batches` does."""
        if seconds:
            self._due = min(self._late, asyncio.get_running_loop().time() + seconds)
        while not (batch := await self._waiting.take()):
            self._go_on()
            if seconds and asyncio.get_running_loop().time() >= self._due:
                return batch
        self._go_on()
        self._note(batch)
        return batch

    def look(self, now: float) -> None:
        """See `Reader.look`."""
        if self._call.gone or self._call.over is not None or now >= self._due:
            self._waiting.ring()

    def _go_on(self) -> None:
        call = self._call
        if call.gone or self._waiting.overrun:
            raise Gone
        if self._waiting.outcome is not None:
            return
        if call.over is not None:
            raise call.over
        if asyncio.get_running_loop().time() >= self._late:
            raise HttpError(504, "request_timeout", "the answer took too long")

    async def finished(self) -> TurnFinished:
        """Wait for the end. Raises HttpError when it is no answer, Gone when the client has gone."""
        async for _ in self.batches():
            pass
        return self.answered()

    def answered(self) -> TurnFinished:
        """The outcome, once it is there. Raises HttpError when it is no answer."""
        outcome = self._waiting.outcome
        assert outcome is not None, "the turn is not over"
        problem = of_outcome(outcome)
        if problem is not None or not isinstance(outcome, TurnFinished):
            raise problem or unavailable("the turn failed")
        return outcome

    def _note(self, batch: list[TurnEvent]) -> None:
        call = self._call
        for event in batch:
            match event:
                case TextDelta(text=text, parent=""):
                    self.text += text
                case TextDelta() | ThinkingDelta() | ToolStarted():
                    pass
                case TurnStarted(model=model):
                    call.model = model or call.model
                    continue
                case _:
                    continue
            call.first = call.first or call.seconds


class _Batches(AsyncIterator[list[TurnEvent]]):
    """Not an async generator: the loop keeps a list of those, which costs more than all that is done here."""

    def __init__(self, answer: Answer, heartbeat: float) -> None:
        self._answer, self._heartbeat = answer, heartbeat
        self._last: TurnEvent | None = None

    async def __anext__(self) -> list[TurnEvent]:
        if self._last is not None and self._last is self._answer.outcome:
            raise StopAsyncIteration
        batch = await self._answer.take(self._heartbeat)
        if batch:
            self._last = batch[-1]
        return batch


class Gone(Exception):
    """The client has closed the connection."""


class asked:
    """Give the question to its bot; inside, read the answer. Leaving before the end stops the turn, or lets it run."""

    def __init__(self, call: Call, question: Question) -> None:
        self._call, self._question = call, question
        self._message = message_of(call, question, kept=False)
        self._waiting = question.adapter.wait(self._message.id)
        self._answer: Answer | None = None

    async def __aenter__(self) -> Answer:
        note(self._call, self._question)
        try:
            if not (turn := await self._question.bot.deliver(self._message)):
                raise not_answered()
        except BaseException:
            await self._forget()
            raise
        self._answer = Answer(self._call, self._waiting, self._message, turn)
        self._call.gateway.going.readers.add(self._answer)
        return self._answer

    async def __aexit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        try:
            if self._waiting.outcome is None:
                await self._end(go_on=kind is Gone and self._question.leave == "finish")
        finally:
            if (outcome := self._waiting.outcome) is not None:
                self._call.usage, self._call.session = outcome.usage, outcome.session
            if self._answer is not None:
                self._call.gateway.going.readers.discard(self._answer)
            await self._forget()

    async def _end(self, *, go_on: bool) -> None:
        """Also a turn that nobody reads is its key's: what it takes goes on record, and its place stays taken."""
        if not go_on:
            await take_back(self._question.bot, self._message)
        with suppress(TimeoutError):
            async with asyncio.timeout(None if go_on else SAID_WITHIN):
                while self._waiting.outcome is None:
                    await self._waiting.take()

    async def _forget(self) -> None:
        """Also of files that no turn has fetched, because policy turned the message down."""
        question = self._question
        question.adapter.forget(self._message.id)
        if question.leave == "stop" or self._waiting.outcome is not None:
            await question.adapter.drop(question.files)
        outcome = self._waiting.outcome
        if not question.session and isinstance(outcome, TurnFinished) and outcome.files:
            await question.adapter.discard(outcome.files)


def note(call: Call, question: Question) -> None:
    """What the usage record will say of it."""
    call.bot, call.user = question.bot.name, question.user
    call.model = question.overrides.model or question.bot.settings.model


def not_answered() -> HttpError:
    return HttpError(403, "not_allowed", "the bot does not answer this API key")


def conversation(call: Call, adapter: HttpAdapter, session: str) -> Conversation:
    """Where a session of this key is."""
    return Conversation(adapter.name, call.key.id, session, direct=True)


def message_of(call: Call, question: Question, *, kept: bool) -> Message:
    """What is delivered to the bot; `kept`: it is a run."""
    return Message(
        call.run if kept else call.id,
        conversation(call, question.adapter, question.session or f"{STATELESS}~{call.id}"),
        User(author(call.key.id, question.user), question.user or call.key.name),
        question.text,
        time.time(),
        attachments=question.files,
        kept=kept,
        verbatim=True,
        stateless=not question.session,
        overrides=question.overrides,
    )
