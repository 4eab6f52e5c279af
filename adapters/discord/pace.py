"""The gate of one account: its requests wait for what headers said of their channel, then for the limit of all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from adapters.discord.buckets import Buckets, Route
from botkit.budget import Budget, Rank, Rate
from botkit.model import Conversation
from botkit.pacing import Act

RouteOf = Callable[[Act, Conversation], Route]

ACCOUNT = Rate(2160, burst=8, reserve=2)
"""Discord takes 50 requests a second of one bot. 36 and 8 at once are never more than that in any second, even
if some of them are under way a little longer than others."""


class Gate:
    """Lets requests go. Most limits of Discord are those of single channels, and a thread is one."""

    def __init__(self) -> None:
        self.buckets = Buckets()
        self._account = Budget(ACCOUNT)

    async def enter(self, route: Route, rank: Rank) -> None:
        """Wait until this request may go. May be cancelled."""
        while True:
            left = self.wait(route, urgent=rank == "urgent")
            if left > 0:
                await asyncio.sleep(left)
                continue
            await self._account.take(_of(route), rank)
            if self.wait(route, urgent=rank == "urgent") <= 0:
                return
            self.leave(route)  # meanwhile another request of the channel took what was left there

    def leave(self, route: Route) -> None:
        """The request did not go after all."""
        self._account.give_back(_of(route))

    def wait(self, route: Route, *, urgent: bool) -> float:
        """Seconds until the channel's own limits let it go."""
        return self.buckets.wait(route, asyncio.get_running_loop().time(), urgent=urgent)


class ReplyPacing:
    """Implements `Pacing`: replies wait at the account's gate before they render, and their requests not again."""

    def __init__(self, gate: Gate, route: RouteOf) -> None:
        self._gate, self._route = gate, route

    async def ready(self, act: Act, conversation: Conversation, *, urgent: bool) -> None:
        """See `Pacing.ready`."""
        await self._gate.enter(self._route(act, conversation), "urgent" if urgent else "usual")

    def give_back(self, act: Act, conversation: Conversation) -> None:
        """See `Pacing.give_back`."""
        self._gate.leave(self._route(act, conversation))

    def limited(self, act: Act, conversation: Conversation, retry_after: float) -> None:
        """See `Pacing.limited`. Only this channel waits: what holds for all, the headers' book knows already."""
        # The call that was refused may have been another one, such as making the thread.
        now = asyncio.get_running_loop().time()
        self._gate.buckets.limited(self._route(act, conversation), retry_after, now, everywhere=False)


def _of(route: Route) -> Conversation:
    """Whose turn it is, for who has waited longest."""
    return Conversation("discord", "", route.major)
