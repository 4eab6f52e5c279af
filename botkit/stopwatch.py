"""How long something has gone on, pauses left out."""

from __future__ import annotations

from collections.abc import Callable


class Stopwatch:
    """Stands still until it is told that something goes on."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds and never goes back."""
        self._clock = clock
        self._before = 0.0
        self._since: float | None = None

    @property
    def seconds(self) -> float:
        return self._before + (0.0 if self._since is None else self._clock() - self._since)

    def run(self, *, going: bool) -> None:
        """Go on or stand still from now; saying it twice changes nothing."""
        if going != (self._since is not None):
            self._before = self.seconds
            self._since = self._clock() if going else None
