"""A journal for one reply: it remembers what the reply says it has posted."""

from __future__ import annotations

from botkit.model import ReplyState


class Noted(list[ReplyState]):
    """Implements `Checkpoint`; `mine` is cleared when another process is to have the turn."""

    mine = True

    def shown(self, state: ReplyState) -> None:
        self.append(state)

    async def ours(self) -> bool:
        return self.mine
