"""The live workers: spare, busy, idle, frozen, parked; never more than the machine can bear, never two on a session."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

import structlog

from botkit.claude.install import refuse_inside
from botkit.claude.keeping import Keeping
from botkit.claude.options import PoolLimits, Profile, TurnLimits
from botkit.claude.queue import Queue, Ticket, Withdrawn
from botkit.claude.scales import Scales
from botkit.claude.starting import Order, Starting
from botkit.claude.worker import Worker
from botkit.errors import ClaudeCrashed, RunnerError
from botkit.ids import new_uuid

RESERVED = 120.0
"""Seconds a spare waits for the session it was promised to."""
PATIENCE = 10.0
"""Seconds beyond `TurnLimits.stop` that running turns have to end when the pool is left."""
CALM = 3.0
"""Seconds that a new spare waits at most for those who answer to begin."""

log = structlog.get_logger()


class Pool:
    """An `async with`: on leaving, every worker and everything it has started has ended."""

    def __init__(
        self, limits: PoolLimits, turns: TurnLimits | None = None, *, ambient: Mapping[str, str] | None = None
    ) -> None:
        self.turns = turns or TurnLimits()
        self._limits = limits
        self.ambient = dict(os.environ if ambient is None else ambient)
        self._scales = Scales(limits.memory)
        self._keeping = Keeping()
        self._starting = Starting(self.ambient, self.turns, self._keeping, self._born)
        self._served: list[Profile] = []
        self._spares: dict[Worker, float | None] = {}
        """Spare workers, and since when they are promised to a session."""
        self._idle: dict[Worker, float] = {}
        self._lent: dict[Worker, str] = {}
        """Workers that answer a turn, and for whom."""
        self._closing: dict[Worker, asyncio.Task[bool]] = {}
        self._promised: list[str] = []
        """Owners of the places granted to workers that are not there yet."""
        self._coming: dict[str, asyncio.Event] = {}
        """Sessions whose worker is waited for or started."""
        self._queue = Queue()
        self._refilling: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._look_at = 0.0
        """When somebody's time may be up, by the loop's clock."""
        self._tending: asyncio.Task[None] | None = None
        self._open = False

    async def __aenter__(self) -> Pool:
        refuse_inside(self.ambient)
        await self._keeping.__aenter__()
        self._open = True
        self._tending = asyncio.create_task(self._tend())
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._open = False
        self._queue.withdraw()
        self._news.set()
        ending = [exchange for worker in list(self._lent) if (exchange := worker.stop("interrupted"))]
        await self._starting.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.turns.stop + PATIENCE):
                for exchange in ending:
                    await exchange.over.wait()
        if self._refilling:
            await self._refilling
        for worker in self.workers:
            self._close(worker)
        if self._closing:
            await asyncio.wait(self._closing.values())
        if self._tending:
            await self._tending
        await self._keeping.__aexit__()

    @property
    def workers(self) -> tuple[Worker, ...]:
        """All live workers, whatever they do."""
        return (*self._lent, *self._idle, *self._spares)

    @property
    def sessions(self) -> set[str]:
        """Those that have a worker, also one that is still to come or not yet gone."""
        return {worker.session for worker in (*self.workers, *self._closing)} | self._coming.keys()

    def state(self, worker: Worker) -> str:
        """One word for `/status` and for logs."""
        if worker in self._spares:
            return "spare"
        if worker.frozen:
            return "frozen"
        return "busy" if worker in self._lent or worker.busy else "idle"

    def marker(self) -> str:
        """For the environment of a process that is no worker, but is to be ended like one."""
        return self._keeping.marker()

    def serve(self, profile: Profile) -> None:
        """Keep spares of this profile from now on."""
        self._served.append(profile)
        self._settle()

    def retire(self, profile: Profile) -> None:
        """Stop keeping spares of it; its idle workers close now, the busy ones when their turn is over."""
        with suppress(ValueError):
            self._served.remove(profile)
        for worker in [*self._spares, *self._idle]:
            if not worker.profile.made_by(self._served) and not worker.busy:
                self._close(worker)

    def reserve(self, profile: Profile) -> str:
        """The id for a new session: that of a ready spare, promised to it from now on, or a fresh one."""
        for worker, promised in self._spares.items():
            if promised is None and worker.alive and worker.profile == profile:
                self._spares[worker] = self._now()
                self._clock_runs()
                return worker.session
        return new_uuid()

    def find(self, session: str) -> Worker | None:
        return next((worker for worker in self.workers if worker.session == session), None)

    async def lend(self, order: Order, report: Callable[[int], None]) -> Worker:
        """The session's worker, for one turn. Raises Withdrawn, ClaudeMissing, ClaudeCrashed."""
        while self._open:
            if closing := next((task for each, task in self._closing.items() if each.session == order.session), None):
                await asyncio.wait([closing])
            elif coming := self._coming.get(order.session):
                await coming.wait()
            elif (worker := self.find(order.session)) is None:
                return await self._new(order, report)
            elif not worker.alive or worker.profile != order.profile:
                await asyncio.wait([self._close(worker)])
            else:
                self._forget(worker)
                self._lent[worker] = order.owner
                worker.thaw()
                self._settle()
                return worker
        raise Withdrawn("the pool is closing")

    async def warm(self, order: Order) -> bool:
        """Have the session's worker ready before its turn; False where a turn is at it, or there is no room for it."""
        worker = self.find(order.session)
        if worker is None:
            return order.session not in self.sessions and await self._ahead(order)
        if worker in self._idle and worker.alive and worker.profile == order.profile:
            self._idle[worker] = self._now()
            worker.thaw()
            self._clock_runs()
        return worker not in self._lent

    async def warm_spare(self, profile: Profile) -> bool:
        """Have a worker ready for a new session, also where none is kept: one that nobody takes is closed."""
        if self._ready(profile):
            return True
        return self._refilling is None and await self._ahead(Order(profile, "", "", fresh=True))

    async def _ahead(self, order: Order) -> bool:
        """Start a worker that no turn waits for, if there is room without closing another."""
        if self._queue or not self._open or not self._room():
            return False
        spare = not order.session
        order = replace(order, session=order.session or new_uuid())
        self._coming[order.session] = asyncio.Event()
        self._promised.append("")
        try:
            worker = await self._starting.start(order)
            if spare:
                self._spares[worker] = None
                asyncio.get_running_loop().call_later(RESERVED, self._untaken, worker)
            else:
                self._idle[worker] = self._now()
                self._clock_runs()
            return True
        except RunnerError as problem:
            log.info("not_warmed", problem=str(problem))  # the turn, if it comes, will say so
            return False
        finally:
            self._promised.remove("")
            self._coming.pop(order.session).set()
            self._settle()

    def _untaken(self, worker: Worker) -> None:
        if self._spares.get(worker, 0.0) is None and self._ready(worker.profile) > self._limits.spares:
            self._close(worker)

    def give_back(self, worker: Worker) -> None:
        """The turn is over."""
        if self._lent.pop(worker, None) is not None:
            self._quiet(worker)

    async def withdraw(self, session: str) -> None:
        """A turn that has no worker yet is not wanted any more."""
        self._queue.withdraw(session)
        await self._starting.cancel(session)

    async def park(self, session: str) -> bool:
        """Close the session's worker, if it is idle; False when it answers, or something runs in its background."""
        if coming := self._coming.get(session):
            await self.withdraw(session)
            await coming.wait()
        worker = self.find(session)
        if worker and (worker in self._lent or worker.busy):
            return False
        if worker:
            self._close(worker)
        for each, task in list(self._closing.items()):
            if each.session == session:
                await asyncio.wait([task])
        return True

    async def _new(self, order: Order, report: Callable[[int], None]) -> Worker:
        """Start a worker, when there is room for one. Nobody else starts one for this session meanwhile."""
        self._coming[order.session] = asyncio.Event()
        try:
            return await self._when_there_is_room(order, report)
        finally:
            self._coming.pop(order.session).set()

    async def _when_there_is_room(self, order: Order, report: Callable[[int], None]) -> Worker:
        ticket = Ticket(order.session, order.owner, report)
        if self._queue or not self._room():
            self._queue.add(ticket, self._owners())
            self._settle()
            await ticket.called.wait()  # no deadline: people see how many go first, and may stop it
            if not ticket.granted:
                raise Withdrawn("stopped before its turn came")
        else:
            self._promised.append(order.owner)
        try:
            worker = await self._starting.start(order)
            self._lent[worker] = order.owner
            return worker
        finally:
            self._promised.remove(order.owner)
            self._settle()

    def _born(self, worker: Worker) -> None:
        worker.on_quiet, worker.on_asked = self._quiet, self._clock_runs

    def _settle(self) -> None:
        """Something has changed: call whoever waits, make room for them, or prepare for the next."""
        while self._queue and self._open:
            if self._room():
                self._promised.append(self._queue.call(self._owners()).owner)
            elif len(self._closing) < len(self._queue) and (victim := self._victim()):
                self._close(victim)
            else:
                break
        if self._refilling is None and self._lacking():
            self._refilling = asyncio.create_task(self._refill())

    async def _refill(self) -> None:
        """Start spares, one at a time: they must not slow down the turns that run."""
        try:
            while self._lacking() and (profile := await self._calm()):
                self._promised.append("")
                try:
                    worker = await self._starting.start(Order(profile, new_uuid(), "", fresh=True))
                    self._spares[worker] = None
                finally:
                    self._promised.remove("")
        except RunnerError as problem:
            # A turn will say so to whoever asks; trying on and on here would be a storm.
            stderr = problem.stderr if isinstance(problem, ClaudeCrashed) else ""
            log.warning("spare_failed", problem=str(problem), stderr=stderr)
        finally:
            self._refilling = None

    async def _calm(self) -> Profile | None:
        """Wait until the lent workers have begun to answer, whose first words need the CPU; what is lacking then."""
        silent = [worker.exchange.feed.answering for worker in self._lent if worker.exchange]
        with suppress(TimeoutError):
            async with asyncio.timeout(CALM):
                for answering in silent:
                    await answering.wait()
        return self._lacking()

    def _lacking(self) -> Profile | None:
        """What the next spare is to be of, if there is room for one and nobody waits for it."""
        few = [profile for profile in self._served if self._ready(profile) < self._limits.spares]
        return few[0] if few and self._open and not self._queue and self._room() else None

    def _ready(self, profile: Profile) -> int:
        """How many spares of it are there for the taking."""
        return sum(promised is None and each.profile == profile for each, promised in self._spares.items())

    def _room(self) -> bool:
        if self._count() >= self._limits.max_workers:
            return False
        return self._scales.bear((*self.workers, *self._closing), len(self._promised))

    def _count(self) -> int:
        return len(self.workers) + len(self._closing) + len(self._promised)

    def _owners(self) -> list[str]:
        return [*self._lent.values(), *self._promised]

    def _victim(self) -> Worker | None:
        """Who parks first: spares, then whoever was idle longest, then spares that a session was promised."""
        free = next((worker for worker, promised in self._spares.items() if promised is None), None)
        if free:
            return free
        idle = [worker for worker in self._idle if not worker.busy]
        if idle:
            return min(idle, key=self._idle.__getitem__)
        return next(iter(self._spares), None)

    def _quiet(self, worker: Worker) -> None:
        """A worker has nothing to do any more, or has ended."""
        if worker in self._lent or worker in self._closing or (worker in self._spares and worker.alive):
            return
        self._forget(worker)
        spent = worker.profile.stateless  # its one turn is over, and whatever that left behind ends with it
        if spent or not worker.alive or not self._open or not (worker.profile.made_by(self._served) or worker.busy):
            self._close(worker)
        else:
            self._idle[worker] = self._now()
            self._clock_runs()
        self._settle()

    def _forget(self, worker: Worker) -> None:
        self._spares.pop(worker, None)
        self._idle.pop(worker, None)

    def _close(self, worker: Worker) -> asyncio.Task[bool]:
        """Begin to close it. It counts, and its session is taken, until it has gone."""
        self._forget(worker)
        self._lent.pop(worker, None)
        if worker in self._closing:
            return self._closing[worker]
        task = asyncio.create_task(worker.close())
        self._closing[worker] = task
        task.add_done_callback(lambda _: self._closed(worker))
        return task

    def _closed(self, worker: Worker) -> None:
        self._closing.pop(worker, None)
        self._scales.again()
        self._settle()

    async def _tend(self) -> None:
        """Freeze and park what is idle, when its time has come."""
        while self._open:
            self._news.clear()
            wait = min((self._due(worker) for worker in self.workers), default=3600.0)
            self._look_at = self._now() + max(wait, 0.01)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._look_at):
                    await self._news.wait()

    def _clock_runs(self) -> None:
        """Somebody's time begins to count: it may be up before the next look at everybody."""
        rest = min(self._limits.park_after, self._limits.freeze_after or self._limits.park_after)
        if self._now() + (min(rest, RESERVED) if self._spares else rest) < self._look_at:
            self._news.set()

    def _due(self, worker: Worker) -> float:
        """Do what is due for a worker; returns the seconds until something will be."""
        since = self._idle.get(worker) if worker not in self._spares else self._spares[worker]
        if worker in self._lent:
            since = worker.asked_since
        elif worker.busy:
            since = None
        if since is None:
            return 3600.0
        spent, steps = self._now() - since, [self._limits.park_after]
        if worker in self._spares:
            steps = [RESERVED]
        elif worker in self._lent:
            steps = []
        if steps and spent >= steps[0]:
            self._close(worker)
            return 3600.0
        if self._limits.freeze_after and not worker.frozen and not worker.profile.launcher:
            if spent >= self._limits.freeze_after and worker not in self._spares:
                worker.freeze()
            else:
                steps.append(self._limits.freeze_after)
        return min((step - spent for step in steps if step > spent), default=3600.0)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
