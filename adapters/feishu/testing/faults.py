"""Scripted trouble: what a loopback Feishu does wrong on purpose, to one call or one delivery."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Trouble = Literal[
    "429",
    "5xx",
    "error",
    "malformed",
    "timeout",
    "reset",
    "act_then_5xx",
    "act_then_timeout",
    "act_then_reset",
    "deleted",
    "duplicate",
    "replay",
    "renamed",
    "reorder",
    "drop",
    "disconnect",
]
"""Of calls: `429` (99991400 with `retry_after` in the header, None leaves it out, `status` 400 as older methods say
it), `5xx` (`status`), `error` (`code`, with `status`), `malformed` JSON, `timeout` (no answer, nothing done), `reset`,
the same after the deed (`act_then_…`), `deleted` (the message or card the call is about vanishes first). Of deliveries
(route `events`): `duplicate` (the same event again), `replay` (again with a new event id), `renamed` (again with new
event and message ids, at the same time from the same sender), `reorder` (behind the next one), `drop`, `disconnect`
(connections are cut first)."""


@dataclass(slots=True, eq=False)
class Fault:
    """One scripted trouble; `left` counts down to 0."""

    route: str
    kind: Trouble
    left: int = 1
    skip: int = 0
    code: int = 0
    status: int = 0
    retry_after: float | None = 1.0
    where: Callable[[Mapping[str, object]], bool] | None = None


@dataclass(slots=True)
class Faults:
    """The script. The first fault that fits a call is used up by it."""

    waiting: list[Fault] = field(default_factory=list[Fault])

    def take(self, route: str, arguments: Mapping[str, object]) -> Fault | None:
        for fault in self.waiting:
            if fault.route not in (route, "*") or (route == "events" and fault.route == "*"):
                continue
            if fault.where is not None and not fault.where(arguments):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            fault.left -= 1
            if fault.left <= 0:
                self.waiting.remove(fault)
            return fault
        return None
