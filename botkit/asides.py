"""Refusals that stand in a conversation, so that a crowd is told in one notice, which says of how many messages."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botkit.context import Context

QUIET = 60.0
"""Seconds for which it stands; longer where what was said holds longer."""
REMEMBERED = 1000


@dataclass(slots=True, eq=False)
class Standing:
    """One notice: the answer to `first`, which was refused."""

    first: Context
    until: float
    count: int = 0
    """Messages that were refused."""
    told: int = 1
    """Messages that it says were."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the notice is posted or edited."""


class Asides:
    """Notices by key; the oldest are forgotten."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._standing: OrderedDict[tuple[str, ...], Standing] = OrderedDict()

    def count(self, ctx: Context, *key: str, holds: float) -> Standing:
        """The notice that stands there already, or else the one `ctx` is about to be answered with; one message more.
        `holds`: seconds for which it is true."""
        now, standing = self._clock(), self._standing.get(key)
        if standing is None or standing.until <= now:
            standing = self._standing[key] = Standing(ctx, now + max(holds, QUIET))
            self._standing.move_to_end(key)
        standing.count += 1
        while len(self._standing) > REMEMBERED:
            self._standing.popitem(last=False)
        return standing
