"""The time limits of a turn, which stand still while people are asked. Pure: told what time it is."""

from __future__ import annotations

from botkit.claude.options import TurnLimits
from botkit.events import FailureReason


class Clock:
    """All times are seconds of the loop's monotonic clock."""

    def __init__(self, limits: TurnLimits, now: float) -> None:
        self._limits = limits
        self._began = self._heard = now
        self._taken_up = False
        self._asked = 0.0
        self._waiting = False

    def heard(self, now: float) -> None:
        """The CLI said something."""
        self._heard = now
        self._taken_up = True

    def ask(self, now: float) -> None:
        """From now on people are waited for."""
        if not self._waiting:
            self._waiting, self._asked = True, now

    def told(self, now: float) -> None:
        """Nobody is waited for any more: the time since `ask` does not count."""
        if self._waiting:
            self._waiting = False
            self._began += now - self._asked
            self._heard = now

    @property
    def asked_since(self) -> float | None:
        return self._asked if self._waiting else None

    def due(self, *, tool: bool) -> tuple[float, FailureReason] | None:
        """When which limit is reached, as things stand; None while people are waited for."""
        if self._waiting:
            return None
        total: tuple[float, FailureReason] = (self._began + self._limits.turn, "timeout")
        if not self._taken_up:
            return min(total, (self._heard + self._limits.start, "silent"))
        quiet = self._limits.tool if tool else self._limits.silence
        return min(total, (self._heard + quiet, "silent"))

    @property
    def taken_up(self) -> bool:
        return self._taken_up
