"""Slash commands and buttons: answered within three seconds, and what a command says stands under it for 15 minutes."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

import structlog

from adapters.discord.api import Api
from adapters.discord.messenger import DiscordMessenger
from adapters.discord.threads import Target
from adapters.discord.wire import Interaction, Written, read
from botkit.errors import AdapterError, Gone, NotAllowed, StoreError
from botkit.model import Capabilities, Conversation, Message, MessageRef, Outgoing
from botkit.protocols import Hub

log = structlog.get_logger("botkit.discord")

CALLBACK = "/interactions/{}/{}/callback"
ORIGINAL = "/webhooks/{}/{}/messages/@original"
ANSWER_WITHIN = 3.0
"""Seconds; after that Discord shows that the bot did not respond."""
LIFETIME = 14.5 * 60
"""Seconds; a token is good for 15 minutes."""
REMEMBERED = 1000
EPHEMERAL = 1 << 6

Kind = Literal[4, 5, 6]
"""Answers: a message, `is thinking…`, nothing to see."""

NOT_KEPT = "I could not take that just now. Please try again."
NOT_TAKEN = "There is nothing I can do with that here."
TOO_OLD = "This button is from before I was restarted. Please type the command instead."


class Ticket:
    """One slash command, whose first answer may stand in place of `is thinking…`."""

    def __init__(self, api: Api, interaction: Interaction, now: Callable[[], float]) -> None:
        self._api, self._now, self._since = api, now, now()
        self._application, self._token = interaction.get("application_id", ""), interaction.get("token", "")
        self.deferred = asyncio.get_running_loop().create_future()
        """Whether Discord shows `is thinking…`, once that is known."""
        self.used = False

    @property
    def open(self) -> bool:
        return not self.used and self._now() - self._since < LIFETIME

    async def answer(self, body: object) -> str:
        """Put a message in place of `is thinking…`; its id, or '' when that is no longer possible."""
        if not self.open or not await self._is_deferred():
            return ""
        try:
            posted = await self._api.call("PATCH", ORIGINAL, self._application, self._token, json=body)
        except (Gone, NotAllowed) as problem:
            log.info("interaction_over", problem=str(problem))
            self.used = True
            return ""
        self.used = True
        return (read(posted, Written) or Written()).get("id", "")

    async def _is_deferred(self) -> bool:
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                return bool(await asyncio.shield(self.deferred))
        except TimeoutError:
            return False


class AnsweringMessenger:
    """The bot's messenger, except that the first message goes where the slash command waits for it."""

    def __init__(self, messenger: DiscordMessenger, ticket: Ticket) -> None:
        self._messenger, self._ticket = messenger, ticket

    @property
    def capabilities(self) -> Capabilities:
        return self._messenger.capabilities

    def render(self, markdown: str) -> str:
        return self._messenger.render(markdown)

    def size(self, rendered: str) -> int:
        return self._messenger.size(rendered)

    async def send(self, conversation: Conversation, outgoing: Outgoing) -> MessageRef:
        if not outgoing.files:
            id = await self._ticket.answer(self._messenger.body(outgoing, Target(conversation.channel)))
            if id:
                return MessageRef(conversation, id)
        return await self._messenger.send(conversation, outgoing)

    async def edit(self, ref: MessageRef, outgoing: Outgoing) -> None:
        await self._messenger.edit(ref, outgoing)

    async def find(self, conversation: Conversation, nonce: str) -> MessageRef | None:
        # What stands in place of `is thinking…` has no nonce; sent again, it stands there again.
        return None if self._ticket.open else await self._messenger.find(conversation, nonce)


class Interactions:
    """Hands slash commands and presses to the hub and answers Discord in time."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._tickets: OrderedDict[str, Ticket] = OrderedDict()

    def ticket(self, message: str) -> Ticket | None:
        """The ticket of a slash command's message, if it can still be used."""
        ticket = self._tickets.get(message)
        return ticket if ticket is not None and ticket.open else None

    async def take(self, hub: Hub, interaction: Interaction, message: Message) -> bool:
        """Whether it was taken. A stranger costs no call: Discord shows that nobody responded."""
        if not hub.allowed(message):
            return bool(await hub.deliver(message))
        loop = asyncio.get_running_loop()
        begun, ticket = loop.time(), None
        if message.kind == "new":
            ticket = self._tickets[message.id] = Ticket(self._api, interaction, loop.time)
            while len(self._tickets) > REMEMBERED:
                self._tickets.popitem(last=False)
        taken, said = False, NOT_TAKEN
        try:
            taken = bool(await hub.deliver(message))
        except StoreError as problem:
            log.warning("interaction_not_kept", problem=str(problem))
            said = NOT_KEPT
        left = begun + ANSWER_WITHIN - loop.time()
        if not taken:
            quiet = message.kind == "action" and said == NOT_TAKEN  # pressed twice
            await self.answer(interaction, 6 if quiet else 4, said, left)
            self._tickets.pop(message.id, None)
            return False
        answered = await self.answer(interaction, 5 if ticket else 6, "", left)
        if ticket is not None:
            ticket.deferred.set_result(answered)
        return True

    async def answer(self, interaction: Interaction, kind: Kind, text: str = "", within: float = ANSWER_WITHIN) -> bool:
        """Tell Discord what to show; a message is seen by the one person alone. False: it did not get through."""
        body: dict[str, object] = {"type": kind}
        if kind == 4:
            body["data"] = {"content": text, "flags": EPHEMERAL, "allowed_mentions": {"parse": []}}
        ids = interaction.get("id", ""), interaction.get("token", "")
        try:
            await self._api.call("POST", CALLBACK, *ids, json=body, within=max(0.5, within))
        except AdapterError as problem:
            log.warning("interaction_unanswered", problem=str(problem))
            return False
        return True
