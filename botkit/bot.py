"""One bot: takes messages from its adapters, answers them, and leaves nothing behind when it stops."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import structlog

from botkit import texts, turns
from botkit.access import RANK, Access
from botkit.approvals import Approvals
from botkit.commands import Command
from botkit.context import Context
from botkit.display import Display
from botkit.errors import AdapterError, Refused, StoreError
from botkit.events import TurnEvent, TurnFailed
from botkit.ids import new_id
from botkit.intent import Intent
from botkit.lanes import Lanes
from botkit.leases import Leases
from botkit.limits import Limits
from botkit.model import Admission, Admitted, Conversation, Entry, Limit, Message, Role, Session, User
from botkit.protocols import Adapter, Authority, Runner, Store
from botkit.record import Passing, Record, admission_key
from botkit.recovery import Recovery
from botkit.redact import Redactor, whole
from botkit.routing import Handler, Middleware, Route, Routes, compose
from botkit.runs import Run
from botkit.strangers import Strangers
from botkit.tasks import Tasks
from botkit.turnlog import TurnLogs

if TYPE_CHECKING:
    from aiohttp import web

log = structlog.get_logger("botkit")

ADMIT_WITHIN = 2.0
"""Seconds the store has to make a message durable; after that the platform is not acknowledged and delivers again."""

_NEW = Admitted()

Mount = Callable[[str, "Callable[[web.Request], Awaitable[web.StreamResponse]]"], None]


@dataclass(frozen=True, slots=True)
class BotSettings:
    """What a bot does beside running Claude. Times are in seconds."""

    workdir: Path
    model: str = ""
    mode: str = ""
    models: tuple[str, ...] = ()
    """What `/model` offers; empty: any name."""
    queue: int = 10
    """Messages that may wait in one conversation."""
    session_idle: float = 0.0
    """After so long without a message a conversation begins a new session; 0: never."""
    approval_timeout: float = 600.0
    recovery: Literal["continue", "ask", "drop"] = "continue"
    """What happens to a turn that a crash cut off."""
    max_attempts: int = 3
    drain: float = 30.0
    """How long running turns may go on when botkit is told to stop."""
    max_upload: int = 30 * 1024 * 1024
    max_uploads: int = 10
    display: Display = field(default_factory=Display)


class Bot:
    """The bot as everything sees it: adapters use it as their `Hub`, handlers through their `Context`."""

    def __init__(
        self,
        name: str,
        *,
        settings: BotSettings,
        adapters: Iterable[Adapter],
        routes: Routes,
        middleware: Sequence[Middleware],
        runner: Runner,
        store: Store,
        owner: str,
        access: Access,
        limits: Limits | None = None,
        mount: Mount | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self.name = name
        self.settings = settings
        self.adapters: Mapping[str, Adapter] = {adapter.name: adapter for adapter in adapters}
        self._authorities = _authorities(self.adapters)
        self.routes = routes
        self.runner = runner
        self.store = store
        self.logger: structlog.typing.FilteringBoundLogger = log.bind()
        """With the level of the config it is from: to find that out anew costs as much as what a message logs."""
        self.access = access
        self.limits = limits or Limits()
        self.redactor = redactor or Redactor()
        """Hides the secrets botkit knows from everything that is shown."""
        self.tasks = Tasks()
        self.lanes = Lanes(settings.queue)
        self.suspects = asyncio.Lock()
        """Held while a message is tried again that may be what crashed botkit."""
        self.logs = TurnLogs()
        self.approvals = Approvals(runner, self.tasks, settings.approval_timeout)
        self._owner = f"{owner}|{name}"
        self.leases = Leases(store, runner, self.tasks, self._owner)
        self._intent = Intent(name, store, runner, self.leases)
        self.started = time.time()
        self.on_connect: list[Callable[[Adapter], None]] = []
        """Called with each adapter before it connects, also after a change of the config."""
        self.connected: set[str] = set()
        self._recovery = Recovery(name, self._owner, store, self.leases, self._take_up)
        self._onions: dict[Handler, Handler] = {}
        self._middleware = tuple(middleware)
        self._mount = mount
        self._strangers = Strangers(self.tasks)
        self._connections = AsyncExitStack()
        self._closing = False

    @property
    def bot(self) -> str:
        return self.name

    @property
    def commands(self) -> Sequence[Command]:
        return self.routes.listed

    async def deliver(self, message: Message, *, run: Run | None = None) -> str:
        """See `Hub.deliver`. Policy first, which is pure; then one round trip to the store; then a task.

        `run` is what its turn is to a program: written with the message, and both have its id.
        """
        if self._closing or message.conversation.adapter not in self.adapters:
            raise StoreError("botkit is stopping, or its adapter is, and takes no new messages")
        text, context = whole(message.text), whole(message.context)
        if text is not message.text or context is not message.context:
            message = replace(message, text=text, context=context)
        route = self._route(message)
        if route is None or not (message.addressed or self.lanes.find(message.conversation.key, message.reply_to)):
            return ""
        role = self._role(message)
        if role is None:
            messenger = self.adapters[message.conversation.adapter].messenger
            self._strangers.turn_away(message, self.access, messenger)
            return ""
        id = new_id() if run is None else run.id
        entry = Entry(id, self.name, f"{self.name}/{message.conversation.key}", message, time.time())
        # What the store says of the session may be old by the time the lane is free.
        busy = self.lanes.running(message.conversation.key) is not None
        limits = self.limits.of(self.name, message) if route.limited else ()
        admitted = await self._admit(entry, limits, run)
        if admitted.repeat:
            log.debug("repeat", message=message.id, conversation=message.conversation.key)
            return ""
        ctx = self._context(entry, route, role, refusal=_over_limit(admitted), session=admitted.session)
        ctx.waited = busy
        self._start(ctx)
        return entry.id

    async def _admit(self, entry: Entry, limits: tuple[Limit, ...], run: Run | None) -> Admitted:
        message = entry.message
        if message.stateless and not limits:
            return _NEW  # nothing to remember, to look up or to count
        try:
            async with asyncio.timeout(ADMIT_WITHIN):
                if not message.kept and not limits:
                    return Admitted(session=await self.store.session(entry.conversation))
                admission = Admission(admission_key(entry), limits, entry, time.time(), run)
                return await self.store.admit(admission, self._owner)
        except TimeoutError:
            raise StoreError(f"the store did not answer within {ADMIT_WITHIN:g} s") from None

    def _role(self, message: Message) -> Role | None:
        """What the author may do here: by the config, or by the word of an adapter that knows them."""
        authority = self._authorities.get(message.conversation.adapter)
        return self.access.role(message, authority.role(message) if authority else None)

    def _route(self, message: Message) -> Route | None:
        route = self.routes.find(message)
        if route is not None and self.approvals.expects(message):
            # Claude asked, and the person simply writes: that is the answer, not the next turn's question.
            return self.routes.commands.get("answer", route)
        return route

    def allowed(self, message: Message) -> bool:
        return self._role(message) is not None

    async def follows(self, conversation: Conversation) -> bool:
        key = f"{self.name}/{conversation.key}"
        # At once: the platform waits for its acknowledgement meanwhile.
        session, muted = await asyncio.gather(self.store.session(key), self.store.mark(f"muted/{key}"))
        return session is not None and muted is None

    async def followed(self, adapter: str, since: float) -> Sequence[tuple[Conversation, float]]:
        found: list[tuple[Conversation, float]] = []
        for session in await self.store.list_sessions(self.name, since=since):
            bot, _, key = session.conversation.partition("/")
            if bot == self.name and key.startswith(f"{adapter}/"):
                found.append((Conversation.parse(key), session.used))
        return found

    def attach(self, turn: str, since: int = 0) -> AsyncIterator[tuple[int, TurnEvent]]:
        return self.logs[turn].read(since)

    def warm(self, conversation: Conversation, user: User) -> None:
        sign = Message("", conversation, user, "", time.time())
        if self._closing or self.lanes.running(conversation.key) or not self.allowed(sign):
            return
        if self._intent.fresh(conversation):
            work = self._intent.prepare(conversation, self.settings.session_idle)
            self.tasks.start(work, f"warm-{conversation.key}")

    async def stop(self, conversation: Conversation) -> bool:
        ctx = self.lanes.running(conversation.key)
        if ctx is None or ctx.outcome is not None:
            return False
        if not ctx.begun or ctx.session is None:
            # It still waits for its session or fetches files: now it never begins.
            ctx.stopping.set()
            return True
        return await self.runner.stop(ctx.session.id)

    def mount(self, path: str, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
        if self._mount is None:
            raise RuntimeError("this bot has no web server")
        self._mount(f"/{self.name}{path}", handler)

    def _context(
        self,
        entry: Entry,
        route: Route,
        role: Role,
        *,
        session: Session | None,
        refusal: Refused | None = None,
        recovered: bool = False,
    ) -> Context:
        adapter = self.adapters[entry.message.conversation.adapter]
        record = (Record if entry.message.kept else Passing)(self.store, entry, self._owner, self.leases.pulse)
        if refusal is None and RANK[role] < RANK[route.role]:
            refusal = Refused(texts.not_your_role(route.role), code="not_allowed")
        return Context(self, adapter, route, role, record, session=session, refusal=refusal, recovered=recovered)

    def _start(self, ctx: Context) -> None:
        ctx.record.on_lost = self.tasks.start(self.answer(ctx), f"answer-{ctx.turn}").cancel

    async def answer(self, ctx: Context) -> None:
        """Send a message through the onion and settle it. Whatever goes wrong, its reply says so."""
        onion = self._onions.get(ctx.route.handler)
        if onion is None:
            onion = self._onions[ctx.route.handler] = compose(self._middleware, ctx.route.handler)
        cut: BaseException | None = None
        try:
            await onion(ctx)
        except BaseException as problem:
            if _is_end(problem):
                cut = problem
                raise
            log.exception("answer_failed", turn=ctx.turn)
            await ctx.push(TurnFailed("error", type(problem).__name__))
        finally:
            # Also when cancelled: the reply is left in a state that says so, and the journal keeps the line.
            delivered = await ctx.close(cut)
            await self._settle(ctx, delivered=delivered) if cut is None else await ctx.record.close()

    async def _settle(self, ctx: Context, *, delivered: bool) -> None:
        if delivered and isinstance(ctx.outcome, TurnFailed) and ctx.outcome.reason == "gave_up":
            # Only now, or a crash in between would leave the sender without a word.
            await ctx.record.bury(ctx.outcome.detail)
        elif delivered:
            await ctx.record.settle()
        else:
            # The reply tried for as long as there was hope; what is left is for the operator.
            log.error("reply_undelivered", turn=ctx.turn, conversation=ctx.conversation_key)
            await ctx.record.bury("the reply could not be delivered")

    async def unasked(self, session: str, events: AsyncIterator[TurnEvent]) -> None:
        """A turn that Claude began by itself (a background task ended): shown where its session lives."""
        known = await self.store.find_session(session)
        key = known.conversation.partition("/")[2] if known else ""
        adapter = key.partition("/")[0]
        if known is None or adapter not in self.adapters:
            log.warning("unasked_turn_homeless", session=session)
            return
        now, id = time.time(), new_id()
        message = Message(f"unasked-{id}", Conversation.parse(key), User(known.owner), "", now)
        entry = Entry(id, self.name, known.conversation, message, now)
        record = Passing(self.store, entry, self._owner, self.leases.pulse)
        ctx = Context(self, self.adapters[adapter], Route(turns.unasked), "user", record, session=known)
        try:
            await turns.follow(ctx, events)
        finally:
            await ctx.close()

    async def __aenter__(self) -> Bot:
        await self._recovery.__aenter__()
        try:
            self._connections = await self._connect(self.adapters)
            self.connected = set(self.adapters)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Stop intake, let turns finish for a while, leave the rest in the journal for the next start."""
        try:
            await self._connections.aclose()
        finally:
            self._closing = self._recovery.closing = True
            self.connected.clear()
            if not await self.tasks.drain(self.settings.drain):
                log.warning("turns_cut_off", bot=self.name)
            await self._recovery.__aexit__()
            await self.leases.release()

    def apply(
        self,
        *,
        settings: BotSettings,
        routes: Routes,
        middleware: Sequence[Middleware],
        access: Access,
        limits: Limits,
        redactor: Redactor,
    ) -> None:
        """A changed config, effective from the next message on; what runs is not disturbed."""
        self.settings, self.routes, self.access, self.limits = settings, routes, access, limits
        self.redactor, self.logger = redactor, log.bind()
        self._middleware, self._onions = tuple(middleware), {}
        self.lanes.queue, self.approvals.timeout = settings.queue, settings.approval_timeout

    async def replace_adapters(self, adapters: Iterable[Adapter]) -> None:
        """Connect with changed settings. Running replies go on through the adapters they began with."""
        fresh = {adapter.name: adapter for adapter in adapters}
        connections = await self._connect(fresh)
        # Both are connected for a moment: what arrives twice is recognised, what would arrive in between is not lost.
        old, self._connections, self.adapters = self._connections, connections, fresh
        self._authorities = _authorities(fresh)
        self.connected = set(fresh)
        await old.aclose()

    async def _connect(self, adapters: Mapping[str, Adapter]) -> AsyncExitStack:
        async with AsyncExitStack() as stack:
            for adapter in adapters.values():
                for call in self.on_connect:
                    call(adapter)
                try:
                    await stack.enter_async_context(adapter.connect(self))
                except AdapterError as problem:
                    # Whoever runs several bots must read which one it was.
                    log.error("connect_failed", bot=self.name, adapter=adapter.name, problem=str(problem))
                    raise
            return stack.pop_all()

    async def recover(self) -> None:
        """Take up the turns of processes that ended without finishing them. Raises StoreError."""
        await self._recovery.look()

    async def _take_up(self, entry: Entry) -> None:
        message = entry.message
        route, role = self.routes.find(message), self._role(message)
        if route is None or role is None or message.conversation.adapter not in self.adapters:
            log.warning("entry_dropped", turn=entry.id, conversation=entry.conversation)
            await self.store.bury(entry.id, self._owner, "its adapter, route or author is no longer allowed")
            return
        session = await self.store.find_session(entry.session) if entry.session else None
        session = session or await self.store.session(entry.conversation)
        log.info("turn_taken_up", turn=entry.id, attempts=entry.attempts)
        self._start(self._context(entry, route, role, session=session, recovered=True))


def _over_limit(admitted: Admitted) -> Refused | None:
    if admitted.refused is None:
        return None
    text = texts.limited(admitted.refused.scope, admitted.retry_after)
    return Refused(text, code="rate_limited", retry_after=admitted.retry_after)


def _authorities(adapters: Mapping[str, Adapter]) -> Mapping[str, Authority]:
    return {name: adapter for name, adapter in adapters.items() if isinstance(adapter, Authority)}


def _is_end(problem: BaseException) -> bool:
    """Whether botkit itself is to end. Somebody's `sys.exit()` or stray CancelledError fails a message, not botkit."""
    task = asyncio.current_task()
    cancelled = isinstance(problem, asyncio.CancelledError) and task is not None and task.cancelling() > 0
    return cancelled or isinstance(problem, KeyboardInterrupt)
