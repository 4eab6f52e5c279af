"""Who may use a bot, and as what. Decided from the config alone, before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from botkit.model import Message, Role

RANK: dict[Role, int] = {"user": 0, "approver": 1, "admin": 2}


@dataclass(frozen=True, slots=True)
class Access:
    """Closed by default: nobody is allowed until somebody is named. Ids only, never names; `*` is everybody.

    A denial always wins. Approvers and admins may use the bot as well. A channel or a space admits whoever
    writes there.
    """

    allow_users: frozenset[str] = frozenset()
    deny_users: frozenset[str] = frozenset()
    allow_channels: frozenset[str] = frozenset()
    deny_channels: frozenset[str] = frozenset()
    allow_spaces: frozenset[str] = frozenset()
    deny_spaces: frozenset[str] = frozenset()
    approvers: frozenset[str] = frozenset()
    admins: frozenset[str] = frozenset()
    strangers: Literal["ignore", "tell"] = "ignore"

    def role(self, message: Message, vouched: Role | None = None) -> Role | None:
        """The author's role in this conversation; None for a stranger, a denied one, or a bot.

        `vouched`: what an adapter that knows its authors says of them. The higher role counts.
        """
        user, where = message.author.id, message.conversation
        if self.denies(message):
            return None
        if _named(user, self.admins) or vouched == "admin":
            return "admin"
        if _named(user, self.approvers) or vouched == "approver":
            return "approver"
        allowed = (
            vouched == "user"
            or _named(user, self.allow_users)
            or (not where.direct and _named(where.channel, self.allow_channels))
            or _named(where.space, self.allow_spaces)
        )
        return "user" if allowed else None

    def denies(self, message: Message) -> bool:
        """Whether the author is shut out here whatever else allows them: by name, by place, or for being a bot."""
        user, where = message.author.id, message.conversation
        return (
            message.author.is_bot
            or not user
            or _named(user, self.deny_users)
            or where.channel in self.deny_channels
            or (not where.direct and _named(where.channel, self.deny_channels))
            or _named(where.space, self.deny_spaces)
        )

    @property
    def nobody(self) -> bool:
        """Whether the bot answers no one at all."""
        return not (self.allow_users or self.allow_channels or self.allow_spaces or self.approvers or self.admins)


def _named(id: str, ids: frozenset[str]) -> bool:
    return id in ids or "*" in ids
