"""Paces posts and edits: each channel by what Discord's headers said of it, all of them by the limit of the account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from adapters.discord.buckets import Buckets, Route
from botkit.model import Conversation
from botkit.pacing import Act, Pacer, Rate

RouteOf = Callable[[Act, Conversation], Route]


class ChannelPacer:
    """Implements `Pacing`. The limits of Discord are those of single channels, and a thread is one.

    So channels have no rate of their own: each asks the headers, and the account's budget comes after them.
    """

    def __init__(self, buckets: Buckets, route: RouteOf) -> None:
        # 50 requests a second for the account; some are left for everything else.
        self._account = Pacer({"edit": Rate(1800, burst=20, reserve=5), "post": Rate(900, burst=15, reserve=3)})
        self._headers, self._route = buckets, route

    async def ready(self, act: Act, conversation: Conversation, *, urgent: bool) -> None:
        """See `Pacing.ready`."""
        granted = False
        while not granted:
            left = self._wait(act, conversation, urgent=urgent)
            if left > 0:
                await asyncio.sleep(left)
                continue
            await self._account.ready(act, conversation, urgent=urgent)
            granted = self._wait(act, conversation, urgent=urgent) <= 0
            if not granted:  # meanwhile another reply of the channel took what was left there
                self._account.give_back(act, conversation)

    def give_back(self, act: Act, conversation: Conversation) -> None:
        """See `Pacing.give_back`."""
        self._account.give_back(act, conversation)

    def limited(self, act: Act, conversation: Conversation, retry_after: float) -> None:
        """See `Pacing.limited`. Only this channel waits: what holds for all, the headers' book knows already."""
        # The call that was refused may have been another one, such as making the thread.
        now = asyncio.get_running_loop().time()
        self._headers.limited(self._route(act, conversation), retry_after, now, everywhere=False)

    def _wait(self, act: Act, conversation: Conversation, *, urgent: bool) -> float:
        """Seconds until the channel's own limits let it go."""
        now = asyncio.get_running_loop().time()
        return self._headers.wait(self._route(act, conversation), now, urgent=urgent)
