"""One live CLI with one session: its handshake, its turns, one at a time, and the turns nobody asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import assert_never

import structlog

from botkit.claude import control, reap, toolserver, wire
from botkit.claude.asking import Asking
from botkit.claude.environment import environment
from botkit.claude.exchange import Exchange
from botkit.claude.feed import Feed
from botkit.claude.install import find_command
from botkit.claude.intake import Intake
from botkit.claude.options import Profile, TurnLimits, arguments
from botkit.claude.process import Process
from botkit.claude.serving import Serving
from botkit.claude.tailoring import Briefing
from botkit.claude.todos import TaskList
from botkit.errors import ClaudeCrashed
from botkit.events import Decision, FailureReason, Outcome, TurnFailed
from botkit.surroundings import CliCommand

READY = 30.0
"""Seconds from starting the CLI to its answer; ten started together on two cores need 3.3 s."""
LOOK = 1.0
"""Seconds between two looks at the time limits of a turn."""
AGAIN = 0.5
"""Seconds between interrupts of a turn that goes on."""
REPLY = 5.0
"""Seconds the CLI has to answer a control request that something waits for."""

log = structlog.get_logger()
Unasked = Callable[["Worker", Feed], None]


class Worker:
    """Started by `start`, ended by `close`. `session` is the id its CLI was given, and changes only by `/clear`."""

    def __init__(self, profile: Profile, session: str, limits: TurnLimits, marker: str, intake: Intake) -> None:
        self.profile, self.session = profile, session
        self.background = False
        """Tasks run on after their turn."""
        self.exchange: Exchange | None = None
        self.total = 0.0
        """The CLI's cumulative cost."""
        self.skipped = 0
        """Lines that could not be understood."""
        self.on_quiet: Callable[[Worker], None] | None = None
        """Called when it has nothing to do any more, or has ended."""
        self.on_unasked: Unasked | None = None
        """Called when the CLI begins a turn by itself."""
        self.lost = False
        """The session was to be resumed, but the CLI did not know it."""
        self.commands: tuple[CliCommand, ...] = ()
        """What the CLI offers in this session."""
        self.on_asked: Callable[[], None] | None = None
        """Called when people are waited for."""
        self._limits = limits
        self._process = Process(marker, limits.line, intake, self._lines, self._exited)
        self._todos = TaskList()
        self._control = Asking(self._process.write)
        self._serving = Serving(profile, self._process.write)
        self._unasked: asyncio.Task[None] | None = None
        self._seen: set[str] = set()
        self._tools_used = False
        self._closed = False

    async def start(
        self,
        ambient: Mapping[str, str],
        *,
        resume: bool,
        rules: tuple[str, ...] = (),
        total: float = 0.0,
        copied: str = "",
    ) -> None:
        """Spawn and shake hands. `total` is the cost so far, where the CLI itself cannot say; `copied` is the session
        that a new one begins as a copy of.

        Raises ClaudeMissing, or ClaudeCrashed when the CLI ended or kept silent.
        """
        command = (*self.profile.launcher, *find_command(self.profile, ambient))
        argv = (*command, *arguments(self.profile, self.session, resume=resume, rules=rules, copied=copied))
        env = environment(self.profile, ambient, self._process.marker)
        await self._process.spawn(argv, cwd=Path(self.profile.workdir), env=env)
        if self._closed:
            # Killed before there was anything to kill: it must not be waited for now.
            raise ClaudeCrashed("the CLI was ended while it started", exit_code=None, stderr="")
        # A stateless worker shakes hands when it is briefed; until then this shows that it is ready.
        answer = await self._ask("get_usage" if self.profile.stateless else "initialize", READY)
        self.commands = control.commands(answer)
        self.total = total
        if resume or copied:
            # What a resumed CLI goes on counting from depends on how its predecessor ended: ask it.
            said = control.total_cost(await self._ask("get_usage", REPLY))
            self.total = total if said is None else said

    async def brief(self, briefing: Briefing) -> None:
        """Tell a stateless worker what its one turn asks for. Raises ClaudeCrashed."""
        await asyncio.gather(*(self._ask(subtype, READY, **more) for subtype, more in briefing.requests()))

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return not self._closed and not self._process.ended.is_set()

    @property
    def busy(self) -> bool:
        return self.exchange is not None or self.background

    @property
    def frozen(self) -> bool:
        return self._process.frozen

    @property
    def asked_since(self) -> float | None:
        """Since when people are waited for, by the loop's clock; None when they are not."""
        return self.exchange.clock.asked_since if self.exchange else None

    def freeze(self) -> None:
        self._process.freeze()

    def thaw(self) -> None:
        self._process.thaw()

    async def run(self, line: bytes, uuid: str, feed: Feed, stopped: Callable[[], bool]) -> Outcome:
        """One turn. Raises ClaudeCrashed when the CLI ended before it said anything: then it may be tried again."""
        if self.exchange:
            await self._wait(self.exchange.over, self._limits.turn)
        exchange = self._begin(feed)
        exchange.uuid = uuid
        try:
            if stopped():
                stopped_early = exchange.failed("stopped")
                exchange.finish(stopped_early)
                return stopped_early
            self._process.write(line)
            ended = await self._ending(exchange)
            if isinstance(ended, TurnFailed) and ended.reason == "protocol":
                await self.kill()  # what it says next would be no better
            return ended
        finally:
            self._end(exchange)

    def answer(self, request: str, decision: Decision) -> bool:
        """Decide a request of the running turn; False when it is not, or no longer, open here."""
        if self.exchange is None or request not in self.exchange.requests:
            return False
        self.thaw()
        return self.exchange.answer(request, decision)

    def stop(self, reason: FailureReason = "stopped") -> Exchange | None:
        """Ask for the running turn's end; its `over` comes when it has ended, by force if need be."""
        self.thaw()
        if self.exchange:
            self.exchange.stop(reason)
        return self.exchange

    async def end_tools(self) -> bool:
        """After a stop: True when nothing the turn has started runs any more."""
        if self.background or not self.alive:
            return await self.kill()
        return await reap.end(await reap.tools(self.pid, self._process.marker), 1.0)

    async def close(self) -> bool:
        """End the process, politely first. True when it and all it has started are gone."""
        self._closed = True
        gone = await self._process.close(childless=self._childless)
        await self._settle()
        return gone

    @property
    def _childless(self) -> bool:
        """No tool was used, and there is nothing else that could start a process: no server, no hook, no command."""
        own = self.profile
        more = own.mcp_config or own.settings or own.trust_workdir or own.launcher or own.slash_commands
        running = self.exchange is not None and self.exchange.fold.tools > 0
        return not (self._tools_used or running or more)

    async def kill(self) -> bool:
        self._closed = True
        gone = await self._process.kill()
        await self._settle()
        return gone

    async def _settle(self) -> None:
        await self._serving.close()
        if self._unasked and self._unasked is not asyncio.current_task():
            await self._unasked

    async def _ending(self, exchange: Exchange) -> Outcome:
        """Watch a turn to its end: by the CLI, by a limit, by a stop, by a crash."""
        ended: Outcome | None = None
        while ended is None:
            if exchange.over.is_set():
                ended = await self._judge(exchange)
            elif exchange.stopping:
                await self._interrupt(exchange)
                ended = exchange.failed(*exchange.stopping)
            else:
                await self._watch(exchange)
        if isinstance(ended, TurnFailed) and ended.reason == "stopped":
            await self.end_tools()  # it says so only when that is true
        exchange.finish(ended)
        return ended

    async def _watch(self, exchange: Exchange) -> None:
        """Wait for news of the exchange, or the next time limit."""
        exchange.changed.clear()
        due = exchange.clock.due(tool=bool(exchange.fold.open))
        loop = asyncio.get_running_loop()
        now = loop.time()
        if due and due[0] <= now:
            if not exchange.clock.taken_up:
                await self.kill()
            exchange.stop(due[1])
            return
        # Not until then without looking again: a tool that ends, or the first line, brings another limit forward.
        look = loop.call_at(min(due[0], now + LOOK) if due else now + LOOK, exchange.changed.set)
        try:
            await exchange.changed.wait()
        finally:
            look.cancel()

    async def _judge(self, exchange: Exchange) -> Outcome:
        if exchange.outcome:
            if exchange.stopping:
                return exchange.failed(*exchange.stopping)
            return exchange.outcome
        if exchange.stopping and exchange.stopping[0] != "silent":
            return exchange.failed(*exchange.stopping)
        if not exchange.feed.begun:
            raise self._crash("the CLI ended before it answered")
        if exchange.stopping:
            return exchange.failed(*exchange.stopping)
        return exchange.failed("crashed", self._process.stderr or f"exit code {self._process.exit_code}")

    async def _interrupt(self, exchange: Exchange) -> None:
        """The control request first, then signals."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._limits.stop
        while (left := deadline - loop.time()) > 0:
            # Again and again: one that comes before the CLI has taken the line up finds nothing to interrupt.
            self._control.tell("interrupt")
            if await self._wait(exchange.over, min(left, AGAIN)):
                return
        log.warning("interrupt_ignored", pid=self.pid)
        await self.kill()

    def _begin(self, feed: Feed) -> Exchange:
        self.exchange = Exchange(feed, self._limits, todos=self._todos, baseline=self.total, write=self._process.write)
        return self.exchange

    def _end(self, exchange: Exchange) -> None:
        self._tools_used |= exchange.fold.tools > 0
        if self.exchange is exchange:
            self.exchange = None
        if exchange.outcome and exchange.outcome.session:
            self.session = exchange.outcome.session
        if self.on_quiet:
            self.on_quiet(self)

    def _lines(self, raw: Sequence[bytes | None]) -> None:
        """What the CLI said at once."""
        for line in wire.read(raw):
            current = self.exchange
            if isinstance(line, wire.Stream) and current is not None and not current.over.is_set():
                # By far the most lines are pieces of a running turn's answer: the shortest way for them.
                current.stream(line)
                if self.profile.turn_budget and _spends(line):
                    self._check_budget(current)
            else:
                self._line(line)

    def _line(self, line: wire.Line | wire.Unknown | wire.TooLong) -> None:
        match line:
            case wire.TooLong():
                self.skipped += 1
                if self.exchange:
                    self.exchange.stop("protocol", f"a line of the CLI was longer than {self._limits.line} bytes")
            case wire.Unknown():
                self._unknown(line)
            case wire.ControlResponse(response=response):
                self._control.answered(response)
            case wire.ControlRequest(request=wire.Asked(subtype=toolserver.REQUEST)):
                self._serve(line)
            case wire.System(subtype="background_tasks_changed", tasks=tasks):
                self.background = bool(tasks)
                if self.on_quiet and not self.busy:
                    self.on_quiet(self)
            case _:
                self._take(line)

    def _serve(self, line: wire.ControlRequest) -> None:
        """In a turn or not: the CLI shakes hands with botkit's tools as soon as it runs."""
        self._serving.take(line, self.session, self.exchange.feed if self.exchange else None)

    def _take(self, line: wire.Line) -> None:
        current = self.exchange
        if current is None or current.over.is_set():
            if not isinstance(line, wire.Stream | wire.Assistant | wire.ControlRequest):
                return
            current = self._begin_unasked()
        current.take(line)
        if current.outcome:
            self.total = current.outcome.usage.total or self.total
        if current.requests and self.on_asked:
            self.on_asked()
        if self.profile.turn_budget and _spends(line):
            self._check_budget(current)

    def _begin_unasked(self) -> Exchange:
        """The CLI has begun a turn by itself: a background task has ended."""
        feed = Feed()
        exchange = self._begin(feed)
        self._unasked = asyncio.create_task(self._run_unasked(exchange))
        if self.on_unasked:
            self.on_unasked(self, feed)
        return exchange

    async def _run_unasked(self, exchange: Exchange) -> None:
        try:
            await self._ending(exchange)
        except ClaudeCrashed as crash:
            exchange.finish(TurnFailed("crashed", crash.stderr))
        finally:
            self._end(exchange)

    def _check_budget(self, exchange: Exchange) -> None:
        """`--max-budget-usd` counts a whole process; a turn's own budget is asked after every call of the model."""
        baseline = self.total

        def spent(response: wire.Response) -> None:
            total = control.total_cost(response)
            if total is not None and total - baseline >= self.profile.turn_budget:
                exchange.stop("budget", f"${total - baseline:.4f} of ${self.profile.turn_budget:.4f}")

        self._control.tell("get_usage", spent)

    def _unknown(self, line: wire.Unknown) -> None:
        if line.type in wire.IGNORED:
            return
        self.skipped += 1
        kind = f"{line.type}/{line.subtype}"
        if kind not in self._seen and len(self._seen) < 100:
            self._seen.add(kind)
            log.debug("claude_line_skipped", type=line.type, subtype=line.subtype)

    def _exited(self) -> None:
        if self.exchange:
            self.exchange.crash()
        self._control.abandon()
        self.background = False
        if self.on_quiet and self.exchange is None:
            self.on_quiet(self)

    async def _ask(self, subtype: str, deadline: float, **more: object) -> wire.Response:
        """A control request that something waits for. Raises ClaudeCrashed."""
        response = await self._control.ask(subtype, deadline, **more)
        if response is None:
            await self.kill()
            raise self._crash(f"the CLI did not answer {subtype!r} within {deadline:.0f} s")
        if self._process.ended.is_set():
            raise self._crash("the CLI ended while it started")
        return response

    def _crash(self, problem: str) -> ClaudeCrashed:
        return ClaudeCrashed(problem, exit_code=self._process.exit_code, stderr=self._process.stderr)

    async def _wait(self, event: asyncio.Event, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, 0.0)):
                await event.wait()
        return event.is_set()


def _spends(line: wire.Line) -> bool:
    """After these lines the CLI has counted another call of the model."""
    match line:
        case wire.Stream(event=event):
            return isinstance(event, wire.MessageStop)
        case wire.UserEcho():
            return True
        case wire.Assistant() | wire.System() | wire.Result():
            return False
        case wire.ControlRequest() | wire.ControlCancel() | wire.ControlResponse():
            return False
        case _:
            assert_never(line)
