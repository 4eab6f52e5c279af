"""Scripted trouble: what a loopback Slack does wrong on purpose, to one call or one delivery."""

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
    "login",
    "redirect",
    "duplicate",
    "reorder",
    "disconnect",
    "drop",
]
"""Of calls: `429` (`retry_after` None leaves the header out), `5xx` (`status`), `error` (`error`), `malformed` JSON,
`timeout` (no answer, nothing done), `reset`, the same after the deed (`act_then_…`), `deleted` (the message the call
is about vanishes first). Of downloads (method `download`): `login`, `redirect` (to another host), `5xx`, `timeout`,
`reset`. Of deliveries (method `events`): `duplicate`, `reorder` (behind the next one), `drop`, `disconnect` (sockets
are cut first)."""


@dataclass(slots=True, eq=False)
class Fault:
    """One scripted trouble; `left` counts down to 0."""

    method: str
    kind: Trouble
    left: int = 1
    skip: int = 0
    error: str = "internal_error"
    status: int = 503
    retry_after: int | None = 1
    where: Callable[[Mapping[str, object]], bool] | None = None


@dataclass(slots=True)
class Faults:
    """The script. The first fault that fits a call is used up by it."""

    waiting: list[Fault] = field(default_factory=list[Fault])

    def take(self, method: str, arguments: Mapping[str, object]) -> Fault | None:
        for fault in self.waiting:
            if fault.method not in (method, "*") or (method in ("events", "download") and fault.method == "*"):
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
