"""Feishu's rate budgets: the gateway's per method and app, and those of a chat, a message and a card.

https://open.feishu.cn/document/server-docs/api-call-guide/frequency-control: 1000 a minute and 50 a second for the
methods used here; the create, reply and patch pages name 5 a second per chat and per message, the streaming overview
10 a second per card. Windows slide; a refused call takes nothing.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass, field

from adapters.feishu.testing.clock import Clock
from adapters.feishu.testing.wire import Refusal

GATEWAY = ((50, 1.0), (1000, 60.0))
CHAT, MESSAGE, CARD = (5, 1.0), (5, 1.0), (10, 1.0)
"""Calls and seconds."""


@dataclass(slots=True)
class Window:
    """At most `limit` calls in any `seconds`."""

    limit: int
    seconds: float
    taken: deque[float] = field(default_factory=deque[float])

    def wait(self, now: float) -> float:
        """Seconds until there is room, 0 if there is."""
        while self.taken and self.taken[0] <= now - self.seconds:
            self.taken.popleft()
        return 0.0 if len(self.taken) < self.limit else self.taken[0] + self.seconds - now


@dataclass(slots=True)
class Budgets:
    """Every budget there is. `refused` counts the calls that a client made too early, per method."""

    clock: Clock
    enforced: bool = True
    refused: Counter[str] = field(default_factory=Counter[str])
    _held: dict[tuple[str, ...], Window] = field(default_factory=dict[tuple[str, ...], Window])

    def gateway(self, app: str, route: str) -> None:
        """Raises Refusal 99991400, HTTP 429, with the headers that say how long."""
        windows = [self._window((app, route, str(seconds)), limit, seconds) for limit, seconds in GATEWAY]
        now = self.clock.now()
        waits = [(window.wait(now), window.limit) for window in windows]
        wait, limit = max(waits)
        if wait > 0 and self.enforced:
            self.refused[route] += 1
            raise limited(self.clock.real(wait), limit)
        for window in windows:
            window.taken.append(now)

    def chat(self, route: str, chat: str) -> None:
        """Five messages a second into one chat, shared by all its bots. Raises Refusal 230020."""
        self._own(route, ("chat", chat), *CHAT, code=230020)

    def message(self, route: str, message: str) -> None:
        """Five updates a second of one message. Raises Refusal 230020."""
        self._own(route, ("message", message), *MESSAGE, code=230020)

    def card(self, route: str, card: str) -> None:
        """Ten operations a second on one card entity. Raises Refusal 99991400, HTTP 400."""
        self._own(route, ("card", card), *CARD, code=99991400)

    def _own(self, route: str, key: tuple[str, ...], limit: int, seconds: float, *, code: int) -> None:
        window, now = self._window(key, limit, seconds), self.clock.now()
        if window.wait(now) > 0 and self.enforced:
            self.refused[route] += 1
            raise Refusal(code)
        window.taken.append(now)

    def _window(self, key: tuple[str, ...], limit: int, seconds: float) -> Window:
        return self._held.setdefault(key, Window(limit, seconds))


def limited(seconds: float | None, limit: int = 50, *, status: int = 429) -> Refusal:
    """The gateway's refusal; None leaves out the headers that say how long to wait."""
    refusal = Refusal(99991400, status=status)
    if seconds is not None:
        reset = str(max(1, math.ceil(seconds)))
        refusal.headers = {"x-ogw-ratelimit-limit": str(limit), "x-ogw-ratelimit-reset": reset}
    return refusal
