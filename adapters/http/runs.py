"""Async runs: asked now, answered whether or not anybody waits, and looked up later; also across a restart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

import structlog

from adapters.http.authors import KEY
from adapters.http.errors import of_outcome
from botkit.errors import StoreError
from botkit.events import Outcome, TurnEvent, TurnFailed, TurnFinished, TurnStarted
from botkit.ledger import Ledger
from botkit.model import Attachment, Message, ReplyState
from botkit.protocols import Store
from botkit.runs import Run
from botkit.usage import UsageRecord

log = structlog.get_logger("botkit")

AGAIN = 1.0
"""Seconds between two tries to store an outcome while the store does not answer."""
TRIES = 60
ENDPOINT = "run"
"""What the usage record of a run says instead of a route."""


class RunDesk:
    """Stores what becomes of runs, and records what they used."""

    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._runs, self._ledger = store.runs, ledger
        self._awaited: set[tuple[str, asyncio.Future[Run]]] = set()
        self.on_end: list[Callable[[Run], Coroutine[Any, Any, None]]] = []
        """Called with each run that has ended, once it is stored: for webhooks."""

    @contextmanager
    def awaited(self, run: str) -> Generator[asyncio.Future[Run]]:
        """The run as it ended, once it has. Entered before it begins."""
        end: asyncio.Future[Run] = asyncio.get_running_loop().create_future()
        self._awaited.add((run, end))
        try:
            yield end
        finally:
            self._awaited.discard((run, end))

    async def end(self, bot: str, message: Message, turn: str, outcome: Outcome, model: str) -> bool:
        """True: it is stored. A silent store is tried for a minute. `model`: the one that answered, '' for none."""
        run, stored = _over(of_message(bot, message, turn), outcome, model), False
        for _ in range(TRIES):
            try:
                run = _over(await self._runs.get(turn) or run, outcome, model)
                await self._runs.save(run)
                stored = True
                break
            except StoreError as problem:
                log.warning("run_not_stored", run=turn, problem=str(problem))
                await asyncio.sleep(AGAIN)
        for id, end in self._awaited:
            if stored and id == run.id and not end.done():
                end.set_result(run)
        await self._ledger.end(_record(run, outcome))  # not stored it counts all the same, and gives its place up
        if not stored:
            return False
        for call in self.on_end:
            await call(run)
        return True


class Place(Protocol):
    """What a run's reply needs of its adapter, when the run has ended."""

    @property
    def desk(self) -> RunDesk | None: ...

    @property
    def bot(self) -> str: ...

    async def drop(self, attachments: Sequence[Attachment]) -> None: ...


class RunReply:
    """Implements `Reply` for a turn whose outcome is kept instead of shown. Delivered once it is stored."""

    def __init__(self, place: Place, message: Message, turn: str) -> None:
        self._place, self._message, self._turn = place, message, turn
        self._outcome: Outcome | None = None
        self._model = ""
        self.delivered = False

    @property
    def state(self) -> ReplyState:
        return ReplyState()

    def push(self, event: TurnEvent) -> None:
        match event:
            case TurnStarted(model=model):
                self._model = model
            case TurnFinished() | TurnFailed():
                self._outcome = self._outcome or event
            case _:
                pass

    async def __aenter__(self) -> RunReply:
        return self

    async def __aexit__(self, *exc: object) -> None:
        desk = self._place.desk
        if self._outcome is not None and desk is not None:
            await self._place.drop(self._message.attachments)  # those no turn has fetched: policy turned it down
            self.delivered = await desk.end(self._place.bot, self._message, self._turn, self._outcome, self._model)


def of_message(bot: str, message: Message, turn: str) -> Run:
    """The run of a message whose turn has this id."""
    where = message.conversation
    user = message.author.id.removeprefix(f"{KEY}{where.space}").removeprefix(":")
    model = message.overrides.model
    return Run(turn, where.space, bot, where.channel, message.sent_at, user=user, model=model)


def record_id(run: Run) -> str:
    """Of its usage record, and so of its place among the runs of its key that are at work."""
    return f"run-{run.id}"


def _over(run: Run, outcome: Outcome, model: str) -> Run:
    """The run as it ended; `model` as in `RunDesk.end`."""
    run = replace(run, model=model or run.model, ended=time.time())
    if isinstance(outcome, TurnFailed):
        return replace(run, status="stopped" if outcome.reason == "stopped" else "failed", failed=outcome)
    return replace(run, status="failed" if outcome.refused else "finished", finished=outcome)


def _record(run: Run, outcome: Outcome) -> UsageRecord:
    used, problem = outcome.usage, of_outcome(outcome)
    return UsageRecord(
        id=record_id(run),
        at=run.created,
        key=run.key,
        endpoint=ENDPOINT,
        bot=run.bot,
        model=run.model,
        session=outcome.session,
        user=run.user,
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
        cache_read_tokens=used.cache_read_tokens,
        cache_write_tokens=used.cache_write_tokens,
        cost=used.cost,
        latency=run.ended - run.created,
        status=problem.status if problem else 200,
        error=problem.code if problem else "",
    )
