"""One budget of requests to a platform, for an account and each of its channels: what people wait for goes first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from botkit.model import Conversation

Rank = Literal["urgent", "usual", "idle"]
"""Who goes first: what people wait for, then progress, then what nobody would miss."""

_RANKS: dict[Rank, int] = {"urgent": 0, "usual": 1, "idle": 2}
_REMEMBERED = 60.0
"""Seconds after which it no longer matters when a conversation was served last."""
_MANY_CHANNELS = 256


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket: `burst` acts at once, `per_minute` in the long run. Raises ValueError if nothing could go."""

    per_minute: float
    burst: float = 1.0
    reserve: float = 0.0
    """Tokens that progress leaves for what people wait for, and what is idle for progress once more."""

    def __post_init__(self) -> None:
        if self.per_minute <= 0 or self.burst < self.reserve + 1 or self.reserve < 0:
            raise ValueError(f"a rate must let progress through: {self}")


UNLIMITED = Rate(per_minute=600_000, burst=10_000)


class Budget:
    """Lets one request go for each token. By rank; urgent ones in order, of the others the conversation that has waited
    longest since it was served last: so the more of them there are, the slower each one's progress."""

    def __init__(
        self, rate: Rate = UNLIMITED, channels: Rate | None = None, *, clock: Callable[[], float] | None = None
    ) -> None:
        """`rate` holds for the account, `channels` for each of its channels; `clock` gives seconds; else the loop."""
        self._clock, self._rate, self._channel_rate = clock, rate, channels
        self._account: _Bucket | None = None
        self._channels: dict[tuple[str, str], _Bucket] = {}
        self._waiters: list[_Waiter] = []
        self._served: dict[str, float] = {}
        self._number = 0
        self._timer: asyncio.TimerHandle | None = None

    async def take(self, conversation: Conversation, rank: Rank) -> None:
        """Wait for a token. May be cancelled."""
        self._number += 1
        granted = asyncio.get_running_loop().create_future()
        self._waiters.append(_Waiter(conversation, rank, self._number, granted))
        self._grant()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self.give_back(conversation)
            else:
                self._grant()  # which leaves out whoever no longer waits
            raise

    def give_back(self, conversation: Conversation) -> None:
        """The request did not go after all."""
        for bucket in self._buckets(conversation):
            bucket.tokens = min(bucket.rate.burst, bucket.tokens + 1)
        self._grant()

    def spend(self, conversation: Conversation) -> None:
        """A request goes that cannot wait: the next ones wait for it."""
        for bucket in self._buckets(conversation):
            bucket.tokens -= 1

    def stop(self, conversation: Conversation, seconds: float) -> None:
        """The platform refused one for so long; that concerns the account: then that one, then the usual pace."""
        self._buckets(conversation)[0].stop(self._now() + seconds)
        self._grant()

    def pressed(self, conversation: Conversation) -> bool:
        """Whether progress would have to wait now."""
        buckets, now = self._buckets(conversation), self._now()
        return any(bucket.wait(now, "usual") > 0 for bucket in buckets)

    def _grant(self) -> None:
        """Let go whoever may, and come back when the next one may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while waiters := self._waiting():
            waiters.sort(key=self._order)
            waits = [self._wait(waiter) for waiter in waiters]
            soonest = min(waits)
            if soonest > 0:
                self._timer = asyncio.get_running_loop().call_later(soonest, self._grant)
                return
            self._let_go(waiters.pop(waits.index(soonest)))

    def _waiting(self) -> list[_Waiter]:
        """Those that still wait; who was cancelled may not have come round to saying so."""
        self._waiters = [waiter for waiter in self._waiters if not waiter.granted.done()]
        return self._waiters

    def _order(self, waiter: _Waiter) -> tuple[int, float, int]:
        served = 0.0 if waiter.rank == "urgent" else self._served.get(waiter.conversation.key, 0.0)
        return _RANKS[waiter.rank], served, waiter.number

    def _wait(self, waiter: _Waiter) -> float:
        buckets, now = self._buckets(waiter.conversation), self._now()
        return max(bucket.wait(now, waiter.rank) for bucket in buckets)

    def _let_go(self, waiter: _Waiter) -> None:
        self.spend(waiter.conversation)
        now, key = self._now(), waiter.conversation.key
        self._served.pop(key, None)
        self._served[key] = now
        while self._served and next(iter(self._served.values())) < now - _REMEMBERED:
            del self._served[next(iter(self._served))]
        waiter.granted.set_result(None)

    def _buckets(self, conversation: Conversation) -> list[_Bucket]:
        now = self._now()
        if self._account is None:
            self._account = _Bucket.full(self._rate, now)
        if self._channel_rate is None:
            return [self._account]
        key = (conversation.space, conversation.channel)
        if key not in self._channels:
            if len(self._channels) > _MANY_CHANNELS:
                self._channels = {key: bucket for key, bucket in self._channels.items() if not bucket.is_full(now)}
            self._channels[key] = _Bucket.full(self._channel_rate, now)
        return [self._account, self._channels[key]]

    def _now(self) -> float:
        return self._clock() if self._clock is not None else asyncio.get_running_loop().time()


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    conversation: Conversation
    rank: Rank
    number: int
    granted: asyncio.Future[None]


@dataclass(slots=True)
class _Bucket:
    rate: Rate
    tokens: float
    at: float
    """When `tokens` was right; in the future while the platform wants silence."""

    @classmethod
    def full(cls, rate: Rate, now: float) -> _Bucket:
        return cls(rate, rate.burst, now)

    def is_full(self, now: float) -> bool:
        self._fill(now)
        return self.tokens >= self.rate.burst

    def wait(self, now: float, rank: Rank) -> float:
        """Seconds until a request of this rank may go."""
        self._fill(now)
        left = min(_RANKS[rank] * self.rate.reserve, self.rate.burst - 1)
        # A hair less than a token is a token: sums of fractions never quite get there.
        missing = 1 - 1e-6 + left - self.tokens
        return max(0.0, self.at - now) + max(0.0, missing * 60 / self.rate.per_minute)

    def stop(self, until: float) -> None:
        self.tokens, self.at = min(1.0, self.tokens + 1), max(self.at, until)

    def _fill(self, now: float) -> None:
        if now > self.at:
            self.tokens = min(self.rate.burst, self.tokens + (now - self.at) * self.rate.per_minute / 60)
            self.at = now
