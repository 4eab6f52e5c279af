"""Paces posts and edits: each channel by what Discord's headers said of it, all of them by the limit of the account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from adapters.discord.buckets import Buckets, Route
from botkit.model import Conversation
from botkit.pacing import Act, Pacer, Rate

RouteOf = Callable[[Act, Conversation], Route]


class ChannelPacer(Pacer):
    """A pacer whose channels have no rate of their own: each asks the headers, so the newest text is what is sent.

    It is a `Pacer` because replies take one; the limits of Discord are those of single channels, and a thread is one.
    """

    def __init__(self, buckets: Buckets, route: RouteOf) -> None:
        # 50 requests a second for the account; some are left for everything else.
        super().__init__({"edit": Rate(1800, burst=20, reserve=5), "post": Rate(900, burst=15, reserve=3)})
        self._headers, self._route = buckets, route

    async def ready(self, act: Act, conversation: Conversation, *, urgent: bool) -> None:
        """See `Pacer.ready`."""
        loop = asyncio.get_running_loop()
        left = self._headers.wait(self._route(act, conversation), loop.time(), urgent=urgent)
        while left > 0:
            await asyncio.sleep(left)
            left = self._headers.wait(self._route(act, conversation), loop.time(), urgent=urgent)
        await super().ready(act, conversation, urgent=urgent)

    def limited(self, act: Act, conversation: Conversation, retry_after: float) -> None:
        """See `Pacer.limited`; but only this channel waits: what holds for all, the headers' book knows already."""
        # The call that was refused may have been another one, such as making the thread.
        now = asyncio.get_running_loop().time()
        self._headers.limited(self._route(act, conversation), retry_after, now, everywhere=False)
