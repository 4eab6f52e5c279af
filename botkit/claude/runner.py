"""Answers turns with the real Claude Code CLI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import structlog

from botkit.claude import tailoring, transcript
from botkit.claude.environment import bare, environment
from botkit.claude.feed import Feed
from botkit.claude.options import Profile, replayable
from botkit.claude.pool import Pool
from botkit.claude.prompt import defuse, user_line
from botkit.claude.queue import Withdrawn
from botkit.claude.starting import Order
from botkit.claude.worker import Worker
from botkit.errors import ClaudeCrashed, RunnerError
from botkit.events import Decision, Notice, Outcome, TurnEvent, TurnFailed, TurnFinished, Waiting
from botkit.history import Said
from botkit.ids import new_uuid
from botkit.model import PLAIN, Overrides, Session, Turn, Upload
from botkit.surroundings import CliCommand, Surroundings

IMAGE = 3_700_000
"""Largest image shown to Claude, in bytes: the API takes 5 MB of base64. A larger one is announced like any file."""
COST = "/cost"
"""A command the CLI answers by itself."""
LOST = "Claude no longer has the earlier conversation of this session; it begins anew."

log = structlog.get_logger()
Unasked = Callable[[str, AsyncIterator[TurnEvent]], Awaitable[None]]


@dataclass(slots=True)
class _Live:
    """A turn from its start to its outcome."""

    feed: Feed = field(default_factory=Feed)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    worker: Worker | None = None
    stopped: bool = False
    clean: bool = True
    """After a stop: nothing that the turn has started runs any more."""


class ClaudeRunner:
    """One bot's runner; several share a pool. Inside `async with`, spares of its profile are kept.

    `on_unasked(session, events)` gets the turns that the CLI begins by itself, when a background task has ended.
    """

    def __init__(
        self, profile: Profile, pool: Pool, *, on_unasked: Unasked | None = None, stateless: bool = False
    ) -> None:
        """`stateless`: keep spares for turns without a memory as well."""
        self._profile, self._pool, self._on_unasked = profile, pool, on_unasked
        self._stateless = stateless
        self._anybodys = tailoring.stateless(profile, PLAIN)
        """Of the workers that are ready for any stateless turn."""
        self._live: dict[str, _Live] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> ClaudeRunner:
        for served in self._served():
            self._pool.serve(served)
        return self

    async def __aexit__(self, *exc: object) -> None:
        for served in self._served():
            self._pool.retire(served)
        if self._tasks:
            await asyncio.wait(self._tasks)

    def apply(self, profile: Profile) -> None:
        """A changed profile, for turns that begin from now on; workers of the old one close when they are idle."""
        if profile != self._profile:
            old, self._profile = self._served(), profile
            self._anybodys = tailoring.stateless(profile, PLAIN)
            for served in self._served():
                self._pool.serve(served)
            for served in old:
                self._pool.retire(served)

    def _served(self) -> list[Profile]:
        """What spares are kept of."""
        return [self._profile, *([self._anybodys] if self._stateless else [])]

    def _for_once(self, overrides: Overrides) -> Profile:
        return tailoring.stateless(self._profile, overrides) if tailoring.needs_own(overrides) else self._anybodys

    async def reserve(self, overrides: Overrides = PLAIN, *, stateless: bool = False) -> str:
        """The id for a new session. A session that is begun under it finds a worker ready, if there was one."""
        if stateless:
            return self._pool.reserve(self._for_once(overrides))
        return self._pool.reserve(self._profile) if overrides == PLAIN else new_uuid()

    @asynccontextmanager
    async def start(self, turn: Turn) -> AsyncGenerator[AsyncIterator[TurnEvent], None]:
        live = _Live()
        self._live[turn.session.id] = live
        task = asyncio.create_task(self._drive(turn, live))
        try:
            yield live.feed
        finally:
            if not live.over.is_set():
                if live.feed.outcome is None:
                    await self._end(turn.session.id, live)
                await live.over.wait()
            await task

    async def stop(self, session: str) -> bool:
        live = self._live.get(session)
        if live:
            return await self._end(session, live)
        worker = self._pool.find(session)
        if worker is None or not worker.busy:
            return False
        exchange = worker.stop()
        if exchange:
            await exchange.over.wait()  # bounded: the interrupt ends in signals
        return await worker.end_tools()

    async def answer(self, request: str, decision: Decision) -> bool:
        return any(worker.answer(request, decision) for worker in self._pool.workers)

    async def warm(self, session: Session | None) -> bool:
        if session is None:
            return await self._pool.warm_spare(self._profile)
        return session.id not in self._live and await self._pool.warm(self._order(session, fresh=not session.turns))

    @property
    def live(self) -> Collection[str]:
        return self._pool.sessions

    async def park(self, session: str) -> bool:
        return await self._pool.park(session)

    async def history(self, session: str) -> Sequence[Said]:
        return await asyncio.to_thread(transcript.read, self._environment, session)

    async def fork(self, session: Session, id: str) -> bool:
        """See `Runner.fork`. The CLI writes a copy down with the first thing it does: it is asked what it cost."""
        if not await asyncio.to_thread(transcript.files, self._environment, session.id):
            return False
        order = replace(self._order(session, fresh=True), session=id, copied=session.id)
        worker = await self._pool.lend(order, lambda _: None)
        try:
            name = new_uuid()
            ended = await worker.run(user_line(COST, (), (), name), name, Feed(), lambda: False)
        finally:
            self._pool.give_back(worker)
        return not worker.lost and isinstance(ended, TurnFinished)

    async def commands(self, session: Session) -> Sequence[CliCommand] | None:
        """See `Runner.commands`."""
        await self.warm(session)
        worker = self._pool.find(session.id)
        return worker.commands if worker else None

    def surroundings(self, session: Session) -> Surroundings:
        """See `Runner.surroundings`."""
        profile, marker = tailoring.tailored(self._profile, session, PLAIN), self._pool.marker()
        return Surroundings(
            workdir=profile.workdir,
            launcher=profile.launcher,
            environment=bare(environment(profile, self._pool.ambient, marker)),
            marker=marker,
            mode=profile.permission_mode,
            tools=profile.tools,
            allowed=(*profile.allowed_tools, *session.rules),
            disallowed=profile.disallowed_tools,
            agents=self._profile.agents,
            slash_commands=profile.slash_commands,
        )

    async def forget(self, session: str) -> bool:
        """See `Runner.forget`. The files sessions send and receive are left to the retention of files."""
        if session in self._live or not await self._pool.park(session):
            return False
        await asyncio.to_thread(transcript.delete, self._environment, session)
        return True

    @property
    def _environment(self) -> Mapping[str, str]:
        return environment(self._profile, self._pool.ambient, "")

    async def _end(self, session: str, live: _Live) -> bool:
        live.stopped = True
        await self._pool.withdraw(session)
        if live.worker:
            live.worker.stop()
        await live.over.wait()  # bounded: the interrupt ends in signals
        return live.clean

    async def _drive(self, turn: Turn, live: _Live) -> None:
        """Give the turn its outcome, whatever happens."""
        session = turn.session.id
        ended: Outcome = TurnFailed("error", "the turn was cut off", session=session)
        try:
            ended = await self._answer(turn, live)
        except Withdrawn:
            ended = TurnFailed("stopped" if live.stopped else "interrupted", session=session)
        except ClaudeCrashed as crash:
            ended = TurnFailed("crashed", crash.stderr or str(crash), retryable=True, session=session)
            if live.stopped:
                ended = TurnFailed("stopped", session=session)
        except RunnerError as problem:
            ended = TurnFailed("missing", str(problem), session=session)
        finally:
            live.feed.push(ended)
            if self._live.get(session) is live:
                del self._live[session]
            live.over.set()

    async def _answer(self, turn: Turn, live: _Live) -> Outcome:
        line, name = await self._line(turn)
        order = self._order(
            turn.session, fresh=turn.fresh, owner=turn.author.id, overrides=turn.overrides, stateless=turn.stateless
        )
        waited = False

        def report(ahead: int) -> None:
            nonlocal waited
            waited = True
            live.feed.push(Waiting(ahead))

        try:
            return await self._attempt(order, turn, live, line, name, report)
        except ClaudeCrashed as crash:
            if live.stopped or live.feed.begun:
                raise
            log.warning(
                "turn_tried_again", turn=turn.id, exit_code=crash.exit_code, problem=str(crash), stderr=crash.stderr
            )
        return await self._attempt(order, turn, live, line, name, report)

    async def _attempt(
        self, order: Order, turn: Turn, live: _Live, line: bytes, name: str, report: Callable[[int], None]
    ) -> Outcome:
        worker = await self._pool.lend(order, report)
        live.worker = worker
        worker.on_unasked = self._unasked
        try:
            if turn.stateless:
                await worker.brief(tailoring.briefing(self._profile, turn.overrides))
            if worker.lost and turn.session.turns:
                worker.lost = False
                live.feed.push(Notice(LOST))
            ended = await worker.run(line, name, live.feed, lambda: live.stopped)
            if live.stopped:
                live.clean = await worker.end_tools()
            return ended
        finally:
            live.worker = None
            self._pool.give_back(worker)

    def _order(
        self,
        session: Session,
        *,
        fresh: bool,
        owner: str = "",
        overrides: Overrides = PLAIN,
        stateless: bool = False,
    ) -> Order:
        if stateless:
            return Order(self._for_once(overrides), session.id, owner, fresh=True)
        profile = tailoring.tailored(self._profile, session, overrides)
        rules = tuple(rule for rule in session.rules if replayable(rule))
        return Order(profile, session.id, owner, fresh, rules, session.cli_cost)

    async def _line(self, turn: Turn) -> tuple[bytes, str]:
        name = new_uuid()
        images = [(each, data) for each in turn.files if (data := await _image(each))]
        commands = turn.overrides.command or (self._profile.slash_commands and not turn.verbatim)
        text = defuse(turn.prompt, slash_commands=commands)
        return user_line(text, turn.files, images, name), name

    def _unasked(self, worker: Worker, feed: Feed) -> None:
        if self._on_unasked is None:
            log.info("unasked_turn_dropped", session=worker.session)
            return
        task = asyncio.ensure_future(self._on_unasked(worker.session, feed))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _image(upload: Upload) -> bytes | None:
    """The bytes of an image that can be shown; None for other files, and for one that is not there any more."""
    if not upload.image or upload.size > IMAGE:
        return None
    with suppress(OSError):
        data = await asyncio.to_thread(upload.path.read_bytes)
        return data if len(data) <= IMAGE else None
    return None
