"""How much people may ask: token buckets by user, conversation, bot and in total. Pure; the store keeps the tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from botkit.model import Limit, Message

Scope = Literal["user", "conversation", "bot", "total"]


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` messages in `seconds`, which may come all at once."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Limits:
    """A bot's limits. Total is shared by all bots of the store."""

    rates: Mapping[Scope, Rate] = field(default_factory=dict[Scope, Rate])

    def of(self, bot: str, message: Message) -> tuple[Limit, ...]:
        """The buckets a message takes a token from."""
        if not self.rates:
            return ()
        keys: dict[Scope, str] = {
            "user": f"{bot}/user/{message.conversation.adapter}/{message.author.id}",
            "conversation": f"{bot}/conversation/{message.conversation.key}",
            "bot": f"{bot}/bot",
            "total": "total",
        }
        return tuple(
            Limit(keys[scope], scope, float(rate.count), rate.count / rate.seconds)
            for scope, rate in self.rates.items()
            if rate.count > 0
        )
