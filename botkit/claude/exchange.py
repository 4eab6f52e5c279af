"""One turn on one live worker: its lines become events, its requests wait for people, its clocks run."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

from botkit.claude import control, toolserver, wire
from botkit.claude.clock import Clock
from botkit.claude.feed import Feed
from botkit.claude.fold import Fold
from botkit.claude.options import TurnLimits
from botkit.claude.outcome import outcome, usage
from botkit.claude.todos import TaskList
from botkit.events import Decision, FailureReason, Outcome, RequestClosed, TextDelta, TurnFailed, Usage

UNASKED = "task-notification"


class Exchange:
    """`over` is set once `result` is known (the CLI said how the turn ended) or the process has ended."""

    def __init__(
        self, feed: Feed, limits: TurnLimits, *, todos: TaskList, baseline: float, write: Callable[[bytes], None]
    ) -> None:
        self.feed = feed
        self.fold = Fold(todos)
        self.requests: dict[str, control.Request] = {}
        self.over = asyncio.Event()
        self.changed = asyncio.Event()
        """`over`, a stop was asked for, or the clock's limits have moved."""
        self.outcome: Outcome | None = None
        self.crashed = False
        self.stopping: tuple[FailureReason, str] | None = None
        self.uuid = ""
        """Of our line; '' for a turn nobody asked for."""
        self._taken = False
        self._todos, self._baseline, self._write = todos, baseline, write
        self._loop = asyncio.get_running_loop()
        self.clock = Clock(limits, self._loop.time())

    def stream(self, line: wire.Stream) -> None:
        """A piece of an answer: most lines are."""
        self.clock.heard(self._loop.time())
        delta = self.fold.stream(line)
        if delta is not None:
            self.feed.push(delta)

    def take(self, line: wire.Line) -> None:
        """A line of the CLI."""
        if isinstance(line, wire.Result) and not self.clock.taken_up:
            return  # a second result of the turn before
        self.clock.heard(self._loop.time())
        match line:
            case wire.Result():
                self._end(line)
            case wire.ControlRequest():
                self._ask(line)
            case wire.ControlCancel():
                self._withdraw(line.request_id)
            case wire.UserEcho(replay=True, uuid=uuid) if uuid == self.uuid:
                self._taken = True
            case _:
                for event in self.fold.take(line):
                    self.feed.push(event)

    def answer(self, request: str, decision: Decision) -> bool:
        """Decide a request that is still open."""
        asked = self.requests.pop(request, None)
        if asked is None or self.over.is_set():
            return False
        line, closed = control.decided(asked, decision)
        self._write(line)
        self.feed.push(closed)
        self._maybe_told()
        return True

    def stop(self, reason: FailureReason, detail: str = "") -> None:
        """Ask for the turn's end; the first reason counts."""
        if self.stopping is None:
            self.stopping = (reason, detail)
            self.changed.set()

    def crash(self) -> None:
        """The process has ended."""
        self.crashed = True
        self._close()

    def finish(self, ended: Outcome) -> None:
        """Close whatever is open, and say how it ended."""
        for id in list(self.requests):
            del self.requests[id]
            self.feed.push(RequestClosed(id, False, "the turn is over"))
        for event in self.fold.close():
            self.feed.push(event)
        self.feed.push(ended)

    def failed(self, reason: FailureReason, detail: str = "", *, retryable: bool = True) -> TurnFailed:
        """An outcome that the CLI did not give itself; with what is known of the turn."""
        taken = self.outcome.usage if self.outcome else Usage(tools=self.fold.tools)
        return TurnFailed(reason, detail, retryable, taken, self.fold.session)

    def _ask(self, line: wire.ControlRequest) -> None:
        if line.request.subtype != "can_use_tool":
            self._write(control.refuse(line.request_id))
            return
        if line.request.tool_name in toolserver.OWN:
            # Allowed by a flag already, but in plan mode, or by a rule to ask, the CLI asks all the same.
            self._write(control.allow(line))
            return
        request = control.request(secrets.token_hex(4), line)
        self.requests[request.id] = request
        self.clock.ask(self._loop.time())
        self.changed.set()
        self.feed.push(request.event)

    def _withdraw(self, cli: str) -> None:
        for id, request in list(self.requests.items()):
            if request.cli == cli:
                del self.requests[id]
                self.feed.push(RequestClosed(id, False, "withdrawn"))
        self._maybe_told()

    def _maybe_told(self) -> None:
        if not self.requests:
            self.clock.told(self._loop.time())
            self.changed.set()

    def _end(self, line: wire.Result) -> None:
        unasked = line.origin is not None and line.origin.kind == UNASKED
        if self.uuid and unasked and not self._taken:
            # A background task was reported just as our line was written: our turn is still to come.
            self._baseline = line.total
            self.fold = Fold(self._todos)
            self.feed.push(TextDelta("\n\n"))
            return
        taken = usage(line, self.fold.tools, self._baseline)
        self.outcome = outcome(line, self.fold, taken)
        self._close()

    def _close(self) -> None:
        self.over.set()
        self.changed.set()
