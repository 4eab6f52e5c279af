"""Shares a platform's budgets among all replies of one account: one budget for each kind of act."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from botkit.budget import UNLIMITED, Budget, Rate
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


class Pacer:
    """Implements `Pacing`: one account's budgets, shared by all its replies. What a 429 says concerns them all."""

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
        self._clock, self._rates, self._channels = clock, dict(rates), dict(channels or {})
        self._budgets: dict[Act, Budget] = {}

    async def ready(self, act: Act, conversation: Conversation, *, urgent: bool) -> None:
        """See `Pacing.ready`."""
        await self._budget(act).take(conversation, "urgent" if urgent else "usual")

    def give_back(self, act: Act, conversation: Conversation) -> None:
        """See `Pacing.give_back`."""
        self._budget(act).give_back(conversation)

    def limited(self, act: Act, conversation: Conversation, retry_after: float) -> None:
        """See `Pacing.limited`."""
        self._budget(act).stop(conversation, retry_after)

    def spend(self, act: Act, conversation: Conversation) -> None:
        """An act that was not `ready` happens: the next ones wait for it."""
        self._budget(act).spend(conversation)

    def pressed(self, act: Act, conversation: Conversation) -> bool:
        """Whether progress of this kind would have to wait now."""
        return self._budget(act).pressed(conversation)

    def _budget(self, act: Act) -> Budget:
        if act not in self._rates and act not in self._channels:
            act = _LIKE.get(act, act)
        if act not in self._budgets:
            rate = self._rates.get(act, UNLIMITED)
            self._budgets[act] = Budget(rate, self._channels.get(act), clock=self._clock)
        return self._budgets[act]
