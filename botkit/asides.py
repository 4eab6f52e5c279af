"""What was said in a conversation a moment ago, so that a crowd is told once and not each of its messages."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

QUIET = 60.0
"""Seconds for which it stands; longer where what was said holds longer."""
REMEMBERED = 1000


class Asides:
    """Notices by key; the oldest are forgotten."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._until: OrderedDict[tuple[str, ...], float] = OrderedDict()

    def again(self, *key: str, holds: float) -> bool:
        """Whether the same stands there already; else it does from now on. `holds`: seconds for which it is true."""
        now = self._clock()
        if self._until.get(key, 0.0) > now:
            return True
        self._until[key] = now + max(holds, QUIET)
        self._until.move_to_end(key)
        while len(self._until) > REMEMBERED:
            self._until.popitem(last=False)
        return False
