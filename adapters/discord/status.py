"""The sign that work goes on: "is typing…" in the reply's channel, which is made for it if there is none yet."""

from __future__ import annotations

from adapters.discord.api import Api
from adapters.discord.threads import Threads
from botkit.model import Conversation

REFRESH = 8.0
"""Seconds; Discord shows it for ten."""


class Typing:
    """Implements `Sign`."""

    fades = True

    def __init__(self, api: Api, threads: Threads, conversation: Conversation) -> None:
        self._api, self._threads, self._conversation = api, threads, conversation
        self.place = conversation.key

    async def show(self) -> float:
        target = await self._threads.target(self._conversation)
        await self._api.call("POST", "/channels/{}/typing", target.channel, rank="idle")
        return REFRESH

    async def hide(self) -> None:
        """It fades."""
