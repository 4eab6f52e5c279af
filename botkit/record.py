"""One accepted message's line in the journal, kept up to date while its turn runs and settled when it is answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from botkit.clock import Pulse
from botkit.errors import StoreError
from botkit.events import FileOffered, Outcome, TurnFailed
from botkit.model import Admission, Entry, Message, ReplyState, Session
from botkit.protocols import Store

log = structlog.get_logger("botkit")

TEXT_EVERY = 2.0
"""Seconds between two writes that only hold more text."""
RETRY_EVERY = 1.0
"""Seconds between two tries to settle while the store does not answer."""


def admission_key(entry: Entry) -> str:
    """What its message is known by when it is delivered again."""
    return f"{entry.bot}/{entry.message.conversation.adapter}/{entry.message.id}"


class Record:
    """Changes are noted at once and written soon; what must be durable before going on is awaited.

    Nothing is written any more, or shown, of a turn that another process took over because this one stood still.
    """

    def __init__(self, store: Store, entry: Entry, owner: str, pulse: Pulse) -> None:
        """`owner` is this process, as the journal knows it."""
        self.entry = entry
        self.lost = False
        """Another process has taken it over."""
        self.on_lost: Callable[[], object] = lambda: None
        self._store, self._owner = store, owner
        self._pulse, self._pauses = pulse, pulse.pauses
        self._lock = asyncio.Lock()
        self._writer: asyncio.Task[None] | None = None
        self._urgent = asyncio.Event()

    async def begin(self, session: Session) -> None:
        """The turn is about to be given to Claude, in this session. Raises StoreError."""
        self.entry = replace(self.entry, attempts=self.entry.attempts + 1, retaken=0, session=session.id)
        async with self._lock:
            await self._save(session)

    async def retake(self) -> None:
        """It is about to be tried again after a crash; a silent store is logged, not waited for."""
        self.entry = replace(self.entry, retaken=self.entry.retaken + 1)
        await self._write_now()

    async def conclude(self, outcome: Outcome, session: Session) -> None:
        """Make the outcome durable before it is shown; a silent store is logged, not waited for."""
        if isinstance(outcome, TurnFailed):
            self.entry = replace(self.entry, failed=outcome)
        else:
            self.entry = replace(self.entry, finished=outcome)
        try:
            async with self._lock:
                await self._save(session)
        except StoreError as problem:
            log.warning("journal_behind", turn=self.entry.id, problem=str(problem))

    def revise(self, message: Message) -> None:
        self.entry = replace(self.entry, message=message)
        self._write_soon(urgent=True)

    async def ours(self) -> bool:
        """See `Checkpoint.ours`. Whoever stood still asks the store, for as long as it takes to answer."""
        while not self.lost and self._pauses != (pauses := self._pulse.pauses):
            try:
                async with self._lock:
                    await self._save()
            except StoreError as problem:
                log.warning("reply_waits", turn=self.entry.id, problem=str(problem))
                await asyncio.sleep(RETRY_EVERY)
            else:
                self._pauses = pauses
        return not self.lost

    def shown(self, state: ReplyState) -> None:
        """The reply has posted something. New messages are written at once, more text every two seconds."""
        before = self.entry.reply
        self.entry = replace(self.entry, reply=replace(state, requests=before.requests, files=before.files))
        news = before.refs != state.refs or before.asks != state.asks or before.sent != state.sent
        self._write_soon(urgent=news)

    async def asks(self, request: str) -> None:
        """An approval or a question is about to be shown: durable first, so that a restart can close it."""
        self._set_requests((*self.entry.reply.requests, request))
        await self._write_now()

    async def offers(self, file: FileOffered) -> None:
        """A file is about to go out: durable first, so that a restart neither loses it nor sends it twice."""
        reply = self.entry.reply
        if any(file.id == known.id for known in reply.files):
            return
        self.entry = replace(self.entry, reply=replace(reply, files=(*reply.files, file)))
        await self._write_now()

    def asked(self, request: str) -> None:
        """It is over."""
        self._set_requests(tuple(id for id in self.entry.reply.requests if id != request))

    def _set_requests(self, ids: tuple[str, ...]) -> None:
        self.entry = replace(self.entry, reply=replace(self.entry.reply, requests=ids))

    def tool(self, summary: str) -> None:
        self.entry = replace(self.entry, tools=(*self.entry.tools, summary)[-100:])
        self._write_soon(urgent=True)

    async def settle(self) -> None:
        """Answered: drop the line. Tries until the store takes it; ends only then or when cancelled."""
        await self.close()
        await self._until_taken(lambda: self._store.settle(self.entry.id, self._owner))

    async def bury(self, why: str) -> None:
        """Given up: move the line to the dead letters. Tries as `settle` does."""
        await self.close()
        await self._until_taken(lambda: self._store.bury(self.entry.id, self._owner, why))

    async def _until_taken(self, end: Callable[[], Awaitable[None]]) -> None:
        while not self.lost:
            try:
                return await end()
            except StoreError as problem:
                log.warning("settle_waits", turn=self.entry.id, problem=str(problem))
                await asyncio.sleep(RETRY_EVERY)

    async def close(self) -> None:
        """Write what is pending and stop writing; the line stays in the journal."""
        if self._writer is not None:
            self._urgent.set()
            await self._writer

    async def _save(self, session: Session | None = None) -> None:
        """Raises StoreError."""
        if self.lost or await self._store.update(self.entry, self._owner, session):
            return
        # Either somebody else has it, or the store has lost all it knew: then it is as if it came in only now.
        anew = Admission(admission_key(self.entry), (), self.entry, time.time())
        if (await self._store.admit(anew, self._owner)).repeat:
            log.warning("turn_lost", turn=self.entry.id)
            self.lost = True
            self.on_lost()
        elif session is not None:
            await self._store.update(self.entry, self._owner, session)

    async def _write_now(self) -> None:
        try:
            async with self._lock:
                await self._save()
        except StoreError as problem:
            log.warning("journal_behind", turn=self.entry.id, problem=str(problem))

    def _write_soon(self, *, urgent: bool) -> None:
        if urgent:
            self._urgent.set()
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name=f"journal-{self.entry.id}")

    async def _write(self) -> None:
        written: Entry | None = None
        while written is not self.entry:
            try:
                async with asyncio.timeout(TEXT_EVERY):
                    await self._urgent.wait()
            except TimeoutError:
                pass
            self._urgent.clear()
            written = self.entry
            try:
                async with self._lock:
                    await self._save()
            except StoreError as problem:
                log.warning("journal_behind", turn=written.id, problem=str(problem))
                return


class Passing(Record):
    """Of a message that no journal has: no restart takes its turn up, and only its session is saved."""

    async def begin(self, session: Session) -> None:
        if session.turns == 0 and not self.entry.message.stateless:
            await self._store.save_session(session)

    async def conclude(self, outcome: Outcome, session: Session) -> None:
        del outcome
        try:
            if not self.entry.message.stateless:
                await self._store.save_session(session)
        except StoreError as problem:
            log.warning("session_behind", turn=self.entry.id, problem=str(problem))

    def revise(self, message: Message) -> None: ...

    async def ours(self) -> bool:
        return True

    def shown(self, state: ReplyState) -> None: ...

    async def asks(self, request: str) -> None: ...

    async def offers(self, file: FileOffered) -> None: ...

    def asked(self, request: str) -> None: ...

    def tool(self, summary: str) -> None: ...

    async def settle(self) -> None: ...

    async def bury(self, why: str) -> None: ...
