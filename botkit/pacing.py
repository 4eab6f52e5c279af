"""Shares a platform's budget among all conversations of one account: what people wait for goes first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from botkit.model import Conversation

Act = Literal["post", "edit", "start", "grow", "end"]
"""The last three are what is done to a message while it is live: it begins, takes more, and is finished."""

_LIKE: Mapping[Act, Act] = {"start": "post", "grow": "edit", "end": "edit"}
"""Where live messages have no budget of their own."""


class Pacing(Protocol):
    """When a reply may act: one for each account, shared by all its replies."""

    async def ready(self, act: Act, conversation: Conversation, *, urgent: bool) -> None:
        """Wait for this act's turn. Render after it, so that the newest view is sent. May be cancelled."""
        ...

    def give_back(self, act: Act, conversation: Conversation) -> None:
        """The act that was `ready` did not happen after all."""
        ...

    def limited(self, act: Act, conversation: Conversation, retry_after: float) -> None:
        """The platform said 429: whoever it concerns does not do this for so many seconds."""
        ...


_REMEMBERED = 60.0
"""Seconds after which it no longer matters when a conversation was served last."""
_MANY_CHANNELS = 256


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket: `burst` acts at once, `per_minute` in the long run. Raises ValueError if nothing could go."""

    per_minute: float
    burst: float = 1.0
    reserve: float = 0.0
    """Tokens that progress leaves for what people wait for."""

    def __post_init__(self) -> None:
        if self.per_minute <= 0 or self.burst < self.reserve + 1 or self.reserve < 0:
            raise ValueError(f"a rate must let progress through: {self}")


UNLIMITED = Rate(per_minute=600_000, burst=10_000)


class Pacer:
    """Implements `Pacing` with token buckets: one account's budget, shared by all its replies.

    Urgent acts go first, in order; then progress, the conversation that has waited longest since its last act first.
    So the more replies are live, the slower each one's progress.
    """

    def __init__(
        self,
        rates: Mapping[Act, Rate],
        channels: Mapping[Act, Rate] | None = None,
        *,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """`rates` hold for the account, `channels` for each of its channels; no rate: held back only by `limited`.

        `clock` gives seconds; by default it is the loop's.
        """
        self._clock = clock
        self._rates, self._channel_rates = dict(rates), dict(channels or {})
        self._account: dict[Act, _Bucket] = {}
        self._channels: dict[tuple[Act, str, str], _Bucket] = {}
        self._waiters: dict[Act, list[_Waiter]] = {act: [] for act in get_args(Act)}
        self._served: dict[str, float] = {}
        self._number = 0
        self._timer: asyncio.TimerHandle | None = None

    async def ready(self, act: Act, conversation: Conversation, *, urgent: bool) -> None:
        """See `Pacing.ready`."""
        act = self._budget(act)
        self._number += 1
        granted = asyncio.get_running_loop().create_future()
        waiter = _Waiter(act, conversation, urgent, self._number, granted)
        self._waiters[act].append(waiter)
        self._grant()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self.give_back(act, conversation)
            else:
                self._grant()  # which leaves out whoever no longer waits
            raise

    def give_back(self, act: Act, conversation: Conversation) -> None:
        """See `Pacing.give_back`."""
        for bucket in self._buckets(self._budget(act), conversation):
            bucket.tokens = min(bucket.rate.burst, bucket.tokens + 1)
        self._grant()

    def limited(self, act: Act, conversation: Conversation, retry_after: float) -> None:
        """See `Pacing.limited`. It concerns everybody: after that one act, then the usual pace."""
        bucket = self._buckets(self._budget(act), conversation)[0]
        bucket.stop(self._now() + retry_after)
        self._grant()

    def pressed(self, act: Act, conversation: Conversation) -> bool:
        """Whether progress of this kind would have to wait now."""
        buckets = self._buckets(self._budget(act), conversation)
        now = self._now()
        return any(bucket.wait(now, urgent=False) > 0 for bucket in buckets)

    def _budget(self, act: Act) -> Act:
        return act if act in self._rates or act in self._channel_rates else _LIKE.get(act, act)

    def _grant(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waits = [wait for act in self._waiters if (wait := self._grant_some(act)) is not None]
        if waits:
            self._timer = asyncio.get_running_loop().call_later(min(waits), self._grant)

    def _waiting(self, act: Act) -> list[_Waiter]:
        """Those that still wait; who was cancelled may not have come round to saying so."""
        self._waiters[act] = [waiter for waiter in self._waiters[act] if not waiter.granted.done()]
        return self._waiters[act]

    def _grant_some(self, act: Act) -> float | None:
        """Let go whoever may; the seconds until the next one may, None when nobody is left."""
        while waiters := self._waiting(act):
            waiters.sort(key=self._order)
            waits = [self._wait(waiter) for waiter in waiters]
            soonest = min(waits)
            if soonest > 0:
                return soonest
            self._let_go(waiters.pop(waits.index(soonest)))
        return None

    def _order(self, waiter: _Waiter) -> tuple[bool, float, int]:
        served = 0.0 if waiter.urgent else self._served.get(waiter.conversation.key, 0.0)
        return not waiter.urgent, served, waiter.number

    def _wait(self, waiter: _Waiter) -> float:
        now = self._now()
        buckets = self._buckets(waiter.act, waiter.conversation)
        return max(bucket.wait(now, urgent=waiter.urgent) for bucket in buckets)

    def _let_go(self, waiter: _Waiter) -> None:
        for bucket in self._buckets(waiter.act, waiter.conversation):
            bucket.tokens -= 1
        now, key = self._now(), waiter.conversation.key
        self._served.pop(key, None)
        self._served[key] = now
        while self._served and next(iter(self._served.values())) < now - _REMEMBERED:
            del self._served[next(iter(self._served))]
        if not waiter.granted.done():
            waiter.granted.set_result(None)

    def _buckets(self, act: Act, conversation: Conversation) -> list[_Bucket]:
        now = self._now()
        if act not in self._account:
            self._account[act] = _Bucket.full(self._rates.get(act, UNLIMITED), now)
        rate = self._channel_rates.get(act)
        if rate is None:
            return [self._account[act]]
        key = (act, conversation.space, conversation.channel)
        if key not in self._channels:
            if len(self._channels) > _MANY_CHANNELS:
                self._channels = {key: bucket for key, bucket in self._channels.items() if not bucket.is_full(now)}
            self._channels[key] = _Bucket.full(rate, now)
        return [self._account[act], self._channels[key]]

    def _now(self) -> float:
        return self._clock() if self._clock is not None else asyncio.get_running_loop().time()


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    act: Act
    conversation: Conversation
    urgent: bool
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

    def wait(self, now: float, *, urgent: bool) -> float:
        """Seconds until an act may go."""
        self._fill(now)
        # A hair less than a token is a token: sums of fractions never quite get there.
        missing = 1 - 1e-6 + (0.0 if urgent else self.rate.reserve) - self.tokens
        return max(0.0, self.at - now) + max(0.0, missing * 60 / self.rate.per_minute)

    def stop(self, until: float) -> None:
        self.tokens, self.at = min(1.0, self.tokens + 1), max(self.at, until)

    def _fill(self, now: float) -> None:
        if now > self.at:
            self.tokens = min(self.rate.burst, self.tokens + (now - self.at) * self.rate.per_minute / 60)
            self.at = now
