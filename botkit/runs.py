"""Runs that a program started and does not wait for, and requests it may send twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from botkit.events import TurnFailed, TurnFinished

RunStatus = Literal["queued", "running", "finished", "failed", "stopped"]
ENDED: frozenset[RunStatus] = frozenset(("finished", "failed", "stopped"))


@dataclass(frozen=True, slots=True)
class Run:
    """An async request: what became of it can be asked until it is forgotten. Times are Unix seconds."""

    id: str
    """The turn's id."""
    key: str
    """The id of the key that may see it."""
    bot: str
    session: str
    created: float
    status: RunStatus = "queued"
    user: str = ""
    """The end user the program named, if it did."""
    model: str = ""
    """The one that was asked for, '' for the bot's; once it has ended, the one that answered."""
    webhook: str = ""
    """Where the outcome is posted, '' for nowhere."""
    ended: float = 0.0
    finished: TurnFinished | None = None
    failed: TurnFailed | None = None
    """The outcome, one of the two, once it has ended."""


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A request with an Idempotency-Key, and its answer once there is one."""

    key: str
    """The API key's id."""
    name: str
    """The Idempotency-Key, as it was sent."""
    fingerprint: str
    """Of method, path and body: another one under the same name is an error of the program."""
    at: float
    expires: float
    """Unix seconds. Short while it is at work, so that a process that died does not block it; long when answered."""
    run: str = ""
    """The run it started, if any."""
    status: int = 0
    """The answer's HTTP status; 0 while it is at work."""
    media_type: str = ""
    body: bytes = b""
