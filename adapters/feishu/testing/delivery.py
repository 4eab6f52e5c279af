"""Bringing events to an app until it acknowledges: at once, then after 15 s, 5 minutes, an hour and six, never more.

https://open.feishu.cn/document/ukTMukTMukTM/uUTNz4SN1MjL1UzM; callbacks of cards are tried once.
"""

from __future__ import annotations

import asyncio
import copy
import secrets
from dataclasses import dataclass, field
from typing import Protocol

from adapters.feishu.testing.clock import Clock
from adapters.feishu.testing.faults import Faults
from adapters.feishu.testing.record import Record
from adapters.feishu.testing.wire import Json, mapping, string
from adapters.feishu.testing.world import TENANT, App

RETRIES = (15.0, 300.0, 3600.0, 21600.0)
"""Feishu's seconds before each further attempt."""
CALLBACKS = frozenset({"card.action.trigger"})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt; `problem` is '' if it was acknowledged. Times are monotonic seconds."""

    number: int
    at: float
    took: float
    problem: str = ""
    status: int = 0
    """Of the webhook, or the code in the acknowledgement on the long connection."""
    response: object = None


@dataclass(slots=True, eq=False)
class Delivery:
    """One event on its way to one app."""

    app: App
    kind: str
    """"im.message.receive_v1", "card.action.trigger", …"""
    envelope: Json
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    finished: bool = False
    dropped: bool = False

    @property
    def event(self) -> Json:
        return mapping(self.envelope.get("event"))

    @property
    def id(self) -> str:
        return string(mapping(self.envelope.get("header")).get("event_id"))

    @property
    def acked(self) -> bool:
        return bool(self.attempts) and not self.attempts[-1].problem

    @property
    def response(self) -> object:
        """What the app answered last."""
        return self.attempts[-1].response if self.attempts else None


class Carrier(Protocol):
    """A way to an app: the long connection or its request URL."""

    async def carry(self, delivery: Delivery, number: int) -> Attempt: ...

    def cut(self, app: App) -> None: ...


@dataclass(slots=True, eq=False)
class Courier:
    """Every delivery there was, and the tasks of those under way."""

    clock: Clock
    faults: Faults
    record: Record
    socket: Carrier
    hook: Carrier
    deliveries: list[Delivery] = field(default_factory=list[Delivery])
    _held: list[Delivery] = field(default_factory=list[Delivery])
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    def envelope(self, app: App, kind: str, event: Json) -> Json:
        """Schema 2.0, with an event id of its own."""
        header: Json = {
            "event_id": secrets.token_hex(16),
            "event_type": kind,
            "create_time": str(int(self.clock.wall() * 1000)),
            "token": app.verification_token,
            "app_id": app.id,
            "tenant_key": TENANT,
        }
        return {"schema": "2.0", "header": header, "event": event}

    def send(self, app: App, kind: str, event: Json) -> Delivery:
        """Begin to deliver; scripted trouble of `events` meets it here."""
        delivery = Delivery(app, kind, self.envelope(app, kind, event))
        fault = None if kind in CALLBACKS else self.faults.take("events", delivery.envelope)
        match fault.kind if fault is not None else "":
            case "drop":
                delivery.dropped = delivery.finished = True
                self.deliveries.append(delivery)
                return delivery
            case "reorder":
                self._held.append(delivery)
                return delivery
            case "disconnect":
                self.socket.cut(app)
            case _:
                pass
        self._begin(delivery)
        if fault is not None:
            self._again(delivery, fault.kind)
        held, self._held = self._held, []
        for late in held:
            self._begin(late)
        return delivery

    def _again(self, delivery: Delivery, kind: str) -> None:
        again = copy.deepcopy(delivery.envelope)
        if kind in ("replay", "renamed"):
            mapping(again["header"])["event_id"] = secrets.token_hex(16)
        if kind == "renamed":
            mapping(mapping(again["event"]).get("message"))["message_id"] = f"om_{secrets.token_hex(16)}"
        if kind in ("duplicate", "replay", "renamed"):
            self._begin(Delivery(delivery.app, delivery.kind, again))

    def redeliver(self, delivery: Delivery) -> Delivery:
        """The same event once more, though it may have been acknowledged."""
        again = Delivery(delivery.app, delivery.kind, copy.deepcopy(delivery.envelope))
        self._begin(again)
        return again

    def _begin(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        task = asyncio.create_task(self._run(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.record.changed()

    async def _run(self, delivery: Delivery) -> None:
        waits = () if delivery.kind in CALLBACKS else RETRIES
        try:
            for number, wait in enumerate((0.0, *waits)):
                if wait:
                    await self.clock.sleep(wait)
                carrier = self.hook if delivery.app.request_url else self.socket
                attempt = await carrier.carry(delivery, number)
                delivery.attempts.append(attempt)
                self.record.changed()
                if not attempt.problem:
                    return
        finally:
            delivery.finished = True
            self.record.changed()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def unacked(self) -> list[Delivery]:
        """Deliveries that were refused, or acknowledged too late, at least once. No connection is no fault of it."""
        return [
            delivery
            for delivery in self.deliveries
            if any(attempt.problem not in ("", "no connection") for attempt in delivery.attempts)
        ]
