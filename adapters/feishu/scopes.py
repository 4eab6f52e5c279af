"""What the app must be allowed to do: one table for the console's steps, the doctor and the README."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Need:
    """`scope` is asked for; each of `instead` is more than that and does as well."""

    scope: str
    purpose: str
    instead: tuple[str, ...] = ()
    required: bool = True

    def met_by(self, granted: Collection[str]) -> bool:
        return any(scope in granted for scope in (self.scope, *self.instead))


NEEDS = (
    Need("im:message:send_as_bot", "posting answers", ("im:message", "im:message:send")),
    Need("im:message:update", "editing a plain text answer", ("im:message",)),
    Need("im:message.p2p_msg:readonly", "direct messages", ("im:message.p2p_msg",)),
    Need("im:message.group_at_msg:readonly", "mentions in groups", ("im:message.group_at_msg",)),
    Need("im:message:readonly", "quoted messages, topics' beginnings, catching up, files in", ("im:message",)),
    Need("im:resource", "files and pictures, in and out"),
    Need("cardkit:card:write", "answers that grow in streaming cards"),
    Need("im:message.reactions:write_only", "the sign of work in progress", ("im:message", "im:message.reactions")),
    Need("im:message.group_msg", "follow-ups in topics without a mention", ("im:message.group_msg:readonly",), False),
    Need(
        "im:chat:readonly",
        "finding who called the bot for the first time while it was down",
        ("im:chat", "im:chat:read", "im:chat.group_info:readonly"),
        False,
    ),
    Need("im:chat.access_event.bot_p2p_chat:read", "knowing that somebody opens the chat", required=False),
    Need("contact:user.base:readonly", "names of people", required=False),
)
EVENTS = {
    "im.message.receive_v1": "messages",
    "im.message.recalled_v1": "messages taken back",
    "im.chat.access_event.bot_p2p_chat_entered_v1": "somebody opens the chat: Claude is readied (optional)",
}
CALLBACKS = {"card.action.trigger": "buttons"}


def missing(granted: Collection[str]) -> tuple[Need, ...]:
    """What botkit needs and the app is not allowed to do."""
    return tuple(need for need in NEEDS if need.required and not need.met_by(granted))
