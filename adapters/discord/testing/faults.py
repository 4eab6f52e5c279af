"""Scripted trouble: what a loopback Discord does wrong on purpose, to one call, download or event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Trouble = Literal[
    "429",
    "global",
    "shared",
    "cloudflare",
    "5xx",
    "error",
    "malformed",
    "timeout",
    "reset",
    "act_then_5xx",
    "act_then_timeout",
    "act_then_reset",
    "deleted",
    "archived",
    "expired",
    "duplicate",
    "reorder",
    "disconnect",
    "drop",
]
"""Of calls: `429` (after `retry_after` seconds; `global` for all routes, `shared` for a resource), `cloudflare` (a
429 without `Via` and JSON), `5xx` (`status`), `error` (`code`, with its usual status), `malformed` JSON, `timeout`
(no answer, nothing done), `reset`, the same after the deed (`act_then_…`), `deleted` (the message the call is about
vanishes first), `archived` (its thread is archived and locked first). Of downloads (route `download`): `expired`,
`5xx`, `timeout`, `reset`. Of gateway events (route `events`): `duplicate`, `reorder` (behind the next one), `drop`,
`disconnect` (the connection breaks first; the event comes when the session is resumed)."""


@dataclass(slots=True, eq=False)
class Fault:
    """One scripted trouble; `left` counts down to 0."""

    route: str
    kind: Trouble
    left: int = 1
    skip: int = 0
    code: int = 0
    status: int = 503
    retry_after: float = 0.2
    where: Callable[[Mapping[str, object]], bool] | None = None


@dataclass(slots=True)
class Faults:
    """The script. The first fault that fits a call is used up by it."""

    waiting: list[Fault] = field(default_factory=list[Fault])

    def take(self, route: str, arguments: Mapping[str, object]) -> Fault | None:
        for fault in self.waiting:
            if fault.route != route and (fault.route != "*" or route in ("events", "download")):
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
