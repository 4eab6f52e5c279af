"""Bringing events to an app until it acknowledges: once, again at once, after a minute, after five, never more."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal, Protocol

from adapters.slack.testing.clock import Clock
from adapters.slack.testing.faults import Fault, Faults
from adapters.slack.testing.record import Record
from adapters.slack.testing.wire import Json, mapping
from adapters.slack.testing.world import App

RETRIES = (0.0, 60.0, 300.0)
"""Seconds before each retry. https://docs.slack.dev/apis/events-api: "nearly immediately", 1 minute, 5 minutes."""
DeliveryKind = Literal["events_api", "interactive", "slash_commands"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to deliver. `problem` is Slack's retry reason ("http_timeout", …), '' if it was acknowledged."""

    number: int
    at: float
    seconds: float
    problem: str = ""
    status: int = 0
    response: object = None
    """The body of the acknowledgement, JSON if it was."""
    final: bool = False
    """The app asked for no retries."""


@dataclass(slots=True, eq=False)
class Delivery:
    """An event, action or command on its way to an app."""

    app: App
    kind: DeliveryKind
    payload: Json
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    finished: bool = False

    @property
    def acked(self) -> bool:
        return any(not attempt.problem for attempt in self.attempts)

    @property
    def ack_seconds(self) -> float:
        """How long the app took to acknowledge the last attempt."""
        return self.attempts[-1].seconds if self.attempts else 0.0

    @property
    def response(self) -> object:
        """What the app sent along with its acknowledgement."""
        return next((attempt.response for attempt in self.attempts if not attempt.problem), None)

    @property
    def event(self) -> Json:
        """The inner event; {} for actions and commands."""
        return mapping(self.payload.get("event"))

    @property
    def label(self) -> str:
        """What it is, in a few words for a failure message."""
        event = self.event
        about = event.get("subtype") or event.get("type") or self.payload.get("command") or self.kind
        return f"{about} {event.get('ts') or ''}".strip()


class Carrier(Protocol):
    """One way to an app: sockets, or HTTP."""

    async def carry(self, delivery: Delivery, number: int, reason: str) -> Attempt: ...

    async def cut(self, app: App) -> None:
        """Break what connections the app holds open."""
        ...


@dataclass(slots=True, eq=False)
class Courier:
    """Carries deliveries in tasks of their own and awaits them all in `close`."""

    clock: Clock
    faults: Faults
    record: Record
    sockets: Carrier
    hooks: Carrier
    deliveries: list[Delivery] = field(default_factory=list[Delivery])
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _held: list[Delivery] = field(default_factory=list[Delivery])

    def send(self, delivery: Delivery) -> Delivery:
        """Start a delivery; scripted faults of method `events` meet it here."""
        self.deliveries.append(delivery)
        fault = self.faults.take("events", delivery.payload) if delivery.kind == "events_api" else None
        held, self._held = self._held, []
        if fault is not None and fault.kind == "reorder":
            self._held = [*held, delivery]
            return delivery
        if fault is not None and fault.kind == "drop":
            delivery.finished = True
        else:
            self._start(delivery, fault)
        for late in held:
            self._start(late, None)
        return delivery

    @property
    def unacked(self) -> list[Delivery]:
        """What an app was too slow to acknowledge at least once, or refused."""
        reasons = ("http_timeout", "timeout", "http_error", "too_many_redirects")
        return [one for one in self.deliveries if any(attempt.problem in reasons for attempt in one.attempts)]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, delivery: Delivery, fault: Fault | None) -> None:
        task = asyncio.create_task(self._deliver(delivery, fault))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, delivery: Delivery, fault: Fault | None) -> None:
        if fault is not None and fault.kind == "disconnect":
            await self._carrier(delivery).cut(delivery.app)
        await self._try(delivery)
        if fault is not None and fault.kind == "duplicate":
            # Slack redelivers what it believes lost, though the app did answer.
            delivery.attempts.append(await self._carrier(delivery).carry(delivery, 1, "http_timeout"))
        delivery.finished = True
        self.record.changed()

    async def _try(self, delivery: Delivery) -> None:
        reason = ""
        retries = RETRIES if delivery.kind == "events_api" else ()
        for number, delay in enumerate((0.0, *retries)):
            if delay:
                await self.clock.sleep(delay)
            attempt = await self._carrier(delivery).carry(delivery, number, reason)
            delivery.attempts.append(attempt)
            self.record.changed()
            if not attempt.problem or attempt.final:
                return
            reason = attempt.problem

    def _carrier(self, delivery: Delivery) -> Carrier:
        return self.hooks if delivery.app.request_url else self.sockets
