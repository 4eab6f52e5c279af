"""A reply that grows in place: posts once, then edits, one request at a time, and always ends with the final view."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from math import inf
from typing import TypeVar

import structlog

from botkit import texts
from botkit.display import Display
from botkit.errors import AdapterError, Gone, NotAllowed, RateLimited, TooLong, Unreachable
from botkit.events import (
    ApprovalAsked,
    FileOffered,
    Notice,
    QuestionAsked,
    RequestClosed,
    TurnEvent,
    TurnFailed,
    TurnFinished,
)
from botkit.markdown import code
from botkit.model import Conversation, Outgoing, ReplyState
from botkit.pacing import Pacing
from botkit.protocols import Checkpoint, Messenger
from botkit.screen import Post, Screen, Want
from botkit.stopwatch import Stopwatch
from botkit.view import View

log = structlog.get_logger("botkit")

_Result = TypeVar("_Result")

_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.5, 10.0
LAST_WORDS = 3.0
"""Seconds a cancelled reply has to show how it stands; after a restart it is put right."""
TICK = 20.0
"""Seconds without other news after which an edit is spent on the time that a turn takes."""
_URGENT = (ApprovalAsked, QuestionAsked, RequestClosed, FileOffered, TurnFinished, TurnFailed)


class EditReply:
    """Implements `Reply` over any `Messenger`. All retrying of platform calls happens here."""

    def __init__(
        self,
        messenger: Messenger,
        conversation: Conversation,
        *,
        nonce: str,
        pacer: Pacing,
        display: Display | None = None,
        resume: ReplyState | None = None,
        checkpoint: Checkpoint | None = None,
        patience: float = 600.0,
        call_timeout: float = 60.0,
    ) -> None:
        """`patience`: seconds to go on trying to deliver the final view; `call_timeout`: for one platform call."""
        self._messenger, self._conversation, self._pacer = messenger, conversation, pacer
        self._view = View(resume.text, interrupted=resume.interrupted) if resume else View()
        for file in resume.files if resume else ():
            self._view.fold(file)
        self._screen = Screen(messenger, self._view, display or Display(), nonce, resume)
        self._checkpoint, self._patience, self._call_timeout = checkpoint, patience, call_timeout
        self._news, self._hurry = asyncio.Event(), asyncio.Event()
        self._closing, self._lost, self._delivered = False, False, False
        self._ours = True
        """No other process answers."""
        self._deadline: float | None = None
        self._watch, self._failures, self._retry_at = Stopwatch(self._now), 0, 0.0
        self._touched_at = self._edited_at = -inf
        self._task: asyncio.Task[None] | None = None

    @property
    def state(self) -> ReplyState:
        return self._screen.state

    @property
    def delivered(self) -> bool:
        return self._delivered

    def push(self, event: TurnEvent) -> None:
        """Fold an event in; the loop shows it when the platform's pace allows."""
        self._view.fold(event)
        self._watch.run(going=self._view.working)
        self._news.set()
        if isinstance(event, _URGENT):
            self._hurry.set()

    async def __aenter__(self) -> EditReply:
        self._task = asyncio.create_task(self._run(), name=f"reply-{self._conversation.key}")
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._closing = True
        self._news.set()
        self._hurry.set()
        task, cancelled = self._task, None
        assert task is not None
        if asyncio.CancelledError in exc:
            self._cut_short(task)
        while not task.done():
            try:
                # A cancelled turn still owes its readers an end; the loop is bounded by its patience.
                await asyncio.shield(task)
            except asyncio.CancelledError as cancel:
                cancelled = cancel
                self._cut_short(task)
        if cancelled is not None and not task.cancelled():
            raise cancelled
        task.result()

    def _cut_short(self, task: asyncio.Task[None]) -> None:
        """botkit is to end soon, also when the platform does not answer at all."""
        last = self._now() + LAST_WORDS
        self._deadline = last if self._deadline is None else min(self._deadline, last)
        self._hurry.set()
        asyncio.get_running_loop().call_at(last, task.cancel)

    @property
    def _final(self) -> bool:
        return self._closing or self._view.outcome is not None

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def _run(self) -> None:
        while self._ours and not self._late():
            self._hurry.clear()
            self._news.clear()
            if self._now() >= self._expires:
                self._screen.seal()
            want = self._want()
            if want is not None:
                if await self._pause(self._not_before(want)) and await self._slot(want):
                    await self._attempt(want)
            elif self._closing:
                break
            else:
                await self._idle()
        self._delivered = self._ours and not self._lost and self._screen.want(final=True) is None

    async def _idle(self) -> None:
        """Wait for news; when there is none for long, the time is news. Where people are waited for it stands still."""
        try:
            async with asyncio.timeout_at(min(self._expires, self._now() + TICK if self._view.working else inf)):
                await self._news.wait()
        except TimeoutError:
            self._view.elapsed = self._watch.seconds

    @property
    def _expires(self) -> float:
        """When the message that grows must take no more."""
        lifetime, live = self._messenger.capabilities.lifetime, self._screen.growing
        return live.since + lifetime if lifetime and live else inf

    def _want(self) -> Want | None:
        return None if self._lost else self._screen.want(final=self._final)

    def _late(self) -> bool:
        """The final view has been tried for long enough. Starts that clock when the turn is over."""
        if self._final and self._deadline is None:
            # Whatever made progress impossible may be over by now: the final view gets a try of its own.
            self._deadline, self._lost = self._now() + self._patience, False
        if self._deadline is None or self._now() < self._deadline or self._want() is None:
            return False
        log.error("reply_out_of_time", conversation=self._conversation.key, seconds=self._patience)
        return True

    def _not_before(self, want: Want) -> float:
        if want.ask:
            return self._retry_at
        rested = (self._edited_at if self._final else self._touched_at) + self._messenger.capabilities.edit_interval
        first = want.act == "post" and (self._final or self._touched_at < 0)
        return self._retry_at if first else max(self._retry_at, rested)

    async def _pause(self, until: float) -> bool:
        """Rest; False: something urgent came up, so look again."""
        left = min(until, self._deadline or until) - self._now()
        if left <= 0:
            return True
        try:
            async with asyncio.timeout(left):
                await self._hurry.wait()
        except TimeoutError:
            return True
        return False

    async def _slot(self, want: Want) -> bool:
        """Wait for the account's budget; False: something urgent came up, or the time is over."""
        urgent = want.ask or self._final or want.act == "post"
        ready = asyncio.create_task(self._pacer.ready(want.pace, self._conversation, urgent=urgent))
        hurry = asyncio.create_task(self._hurry.wait())
        left = None if self._deadline is None else self._deadline - self._now()
        try:
            await asyncio.wait((ready, hurry), timeout=left, return_when=asyncio.FIRST_COMPLETED)
            return ready.done()
        finally:
            ready.cancel()
            hurry.cancel()
            await asyncio.gather(ready, hurry, return_exceptions=True)

    async def _attempt(self, waited_for: Want) -> None:
        """Do whatever is wanted by now, with the slot that was waited for."""
        self._view.elapsed = self._watch.seconds
        want = self._want()
        if want is None or want.pace != waited_for.pace or self._not_before(want) > self._now():
            self._pacer.give_back(waited_for.pace, self._conversation)
            return
        if self._checkpoint is not None and not await self._checkpoint.ours():
            self._ours = False
            return
        edited = want.act == "edit"  # asked before: once posted, the same want would be an edit
        try:
            await (self._edit(want.post, want.outgoing) if edited else self._post(want.post, want.outgoing))
        except AdapterError as problem:
            self._failed(want, problem)
        else:
            self._done(want, edited=edited)

    async def _edit(self, post: Post, outgoing: Outgoing) -> None:
        assert post.ref is not None
        await self._bounded(self._messenger.edit(post.ref, outgoing))
        post.shown = outgoing

    async def _post(self, post: Post, outgoing: Outgoing) -> None:
        if post.doubtful:
            with suppress(NotAllowed):  # where we may not look, twice is better than never
                post.ref = await self._bounded(self._messenger.find(self._conversation, post.nonce))
            if post.ref is None:
                self._screen.not_found(post)
        if post.ref is None and post.only_found:
            post.gone = True
            return
        if post.ref is not None:
            # Without edits nothing could be put right anyway.
            post.shown = post.attempted if self._messenger.capabilities.edits else outgoing
            return
        try:
            post.ref = await self._bounded(self._messenger.send(self._conversation, outgoing))
        except Unreachable as problem:
            if problem.acted:
                post.doubtful, post.attempted = True, outgoing
            raise
        post.shown, post.since = outgoing, self._now()

    async def _bounded(self, call: Awaitable[_Result]) -> _Result:
        try:
            async with asyncio.timeout(self._call_timeout):
                return await call
        except TimeoutError:
            raise Unreachable("no answer in time", acted=True) from None

    def _done(self, want: Want, *, edited: bool) -> None:
        self._failures = 0
        self._screen.did(want)
        if not want.ask:
            self._touched_at = self._now()
            self._edited_at = self._touched_at if edited else self._edited_at
        self._note()

    def _failed(self, want: Want, problem: AdapterError) -> None:
        match problem:
            case RateLimited():
                self._pacer.limited(want.pace, self._conversation, problem.retry_after)
            case Unreachable() if want.file is None or not self._screen.tired(want):
                self._retry_at = self._now() + min(_FIRST_BACKOFF * 2**self._failures, _LONGEST_BACKOFF)
                self._failures = min(self._failures + 1, 10)
                self._log("reply_retried", want, problem)
            case _ if want.file is not None:
                self._unsent(want, want.file, problem)
            case TooLong():
                self._log("reply_refused", want, problem)
                self._lost = not self._screen.refused(want) and not want.ask
            case Gone() | NotAllowed() if want.act == "edit":
                self._log("reply_message_gone", want, problem)
                self._screen.missing(want)
            case _:
                self._log("reply_lost", want, problem)
                self._lost = True

    def _unsent(self, want: Want, file: FileOffered, problem: AdapterError) -> None:
        """The answer goes on without the file, and says so."""
        self._log("file_not_sent", want, problem)
        self._failures, self._retry_at = 0, 0.0
        self._screen.unsent(want)
        self._view.fold(Notice(texts.file_not_sent(code(file.name), code(str(problem)))))
        self._note()

    def _note(self) -> None:
        if self._checkpoint is not None:
            self._checkpoint.shown(self._screen.state)

    def _log(self, event: str, want: Want, problem: AdapterError) -> None:
        said = {"act": want.act, "ask": want.ask, "problem": type(problem).__name__, "code": problem.code}
        log.warning(event, conversation=self._conversation.key, final=self._final, **said)
