"""The sign that work goes on: a reaction on the message that is answered."""

from __future__ import annotations

from math import inf

from adapters.feishu.api import Api
from botkit.errors import NotAllowed
from botkit.signs import Sign

REACTIONS = "/open-apis/im/v1/messages/{}/reactions"


class Working:
    """Which reaction shows it; none where the scope or the emoji turned out to be missing."""

    def __init__(self, api: Api, emoji: str) -> None:
        self.api, self.emoji = api, emoji

    def of(self, message: str) -> Sign | None:
        """The sign of the reply to a message (its id)."""
        return _Reaction(self, message) if self.emoji else None


class _Reaction:
    fades = False

    def __init__(self, working: Working, message: str) -> None:
        self._working, self.place = working, message
        self._reaction: object = None

    async def show(self) -> float:
        body = {"reaction_type": {"emoji_type": self._working.emoji}}
        try:
            made = await self._working.api.call("POST", REACTIONS, self.place, json=body)
        except NotAllowed:
            self._working.emoji = ""  # do not ask again
            raise
        self._reaction = made.get("reaction_id")
        return inf

    async def hide(self) -> None:
        if self._reaction is None:  # no answer said what it is called; asked again Feishu names the one that is there
            await self.show()
        if isinstance(self._reaction, str):
            await self._working.api.call("DELETE", REACTIONS + "/{}", self.place, self._reaction)
