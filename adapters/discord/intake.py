"""From Discord's events to the hub, in order in each channel. Discord repeats none, so trying again is done here."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

import structlog

from adapters.discord.api import Api
from adapters.discord.history import History
from adapters.discord.interactions import TOO_OLD, Interactions
from adapters.discord.lines import Lines
from adapters.discord.messenger import DiscordMessenger
from adapters.discord.parse import (
    Me,
    by_person,
    deleted,
    edited,
    may_follow_up,
    mentions,
    parse,
    parse_interaction,
    typing,
)
from adapters.discord.places import Place, Places
from adapters.discord.threads import Threads
from adapters.discord.wire import Channel, Deleted, Interaction, Json, Ready, Typing, Written, read
from botkit.errors import AdapterError, Gone, NotAllowed, StoreError
from botkit.model import Message
from botkit.protocols import Hub

log = structlog.get_logger("botkit.discord")

TRY_FOR = 60.0
"""Seconds during which a message that the store did not take is tried again; after that it is left to catching up."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 5.0
CONTEXT_WITHIN = 2.0
"""Seconds for what was said before; without an answer the message is taken without it."""
FOLLOWS_WITHIN = 2.0
CALLED_BY_EDIT = 24 * 3600.0
"""Seconds; a mention that an edit adds to an older message, or corrects in it, calls nobody."""
REMEMBERED = 2000
"""Messages whose deletion would still be understood: Discord does not say who wrote what is deleted."""


class Intake:
    """Takes events in, from the gateway and from catching up."""

    def __init__(
        self,
        hub: Hub,
        me: Me,
        *,
        api: Api,
        places: Places,
        threads: Threads,
        messenger: DiscordMessenger,
        interactions: Interactions,
        history: History,
        context: int,
        lost: Callable[[], None],
        try_for: float = TRY_FOR,
    ) -> None:
        """`lost` is called for a message that the store did not take for `try_for` seconds."""
        self._hub, self.me, self._api, self._places, self._threads = hub, me, api, places, threads
        self._messenger, self._interactions, self._history = messenger, interactions, history
        self._context, self._lost, self._try_for = context, lost, try_for
        self._lines = Lines()
        self._taken: OrderedDict[str, Message] = OrderedDict()
        self.closed = asyncio.Event()
        """Take nothing more, and do not go on trying."""

    def receive(self, event: str, data: Json) -> None:
        """A gateway event. Never waits: heartbeats would."""
        if event == "READY":
            ready = read(data, Ready) or Ready()
            self.me = replace(self.me, user=ready.get("user", {}).get("id", "") or self.me.user)
        if self.closed.is_set():
            return
        channel = str(data.get("channel_id", ""))
        match event:
            case "MESSAGE_CREATE" | "MESSAGE_UPDATE":
                written = read(data, Written)
                if written is not None:
                    self._written(event, written, channel)
            case "MESSAGE_DELETE" | "MESSAGE_DELETE_BULK":
                gone = read(data, Deleted) or Deleted()
                for id in (*gone.get("ids", ()), gone.get("id", "")):
                    if id:
                        self._lines.start(channel, partial(self._trying, partial(self._delete, id)))
            case "TYPING_START":
                sign = typing(read(data, Typing) or Typing(), self._places.get(channel), self.me)
                if sign is not None:
                    self._hub.warm(*sign)
            case "INTERACTION_CREATE":
                interaction = read(data, Interaction)
                if interaction is not None:
                    self._lines.start("", partial(self._interact, interaction))
            case _:
                pass
        self._places.learn(event, data)

    async def finish(self, seconds: float) -> None:
        """Let what is under way be handed in, then end it."""
        self.closed.set()
        await self._lines.finish(seconds)

    def _written(self, event: str, written: Written, channel: str) -> None:
        if event == "MESSAGE_CREATE" and written.get("author", {}).get("id") == self.me.user:
            self._messenger.saw(written)
        elif not by_person(written, self.me):
            return
        elif event == "MESSAGE_CREATE":
            self._lines.start(channel, partial(self._trying, partial(self.take, written)))
        elif written.get("edited_timestamp"):  # without it Discord itself changed the message: a preview, a pin
            self._lines.start(channel, partial(self._trying, partial(self._edit, written)))

    async def _trying(self, work: Callable[[], Awaitable[bool]]) -> None:
        loop = asyncio.get_running_loop()
        until, wait = loop.time() + self._try_for, FIRST_WAIT
        while True:
            try:
                await work()
                return
            except StoreError as problem:
                if self.closed.is_set() or loop.time() + wait > until:
                    log.error("message_not_kept", problem=str(problem))
                    self._lost()
                    return
                log.warning("message_waits_for_the_store", problem=str(problem))
            try:
                async with asyncio.timeout(wait):
                    await self.closed.wait()
            except TimeoutError:
                wait = min(wait * 2, LONGEST_WAIT)

    async def take(self, written: Written) -> bool:
        """Whether a message was taken. Raises StoreError."""
        message = await self._parsed(written)
        if message is None:
            return False
        if not self._hub.allowed(message):
            return bool(await self._hub.deliver(message))
        follows = False
        if may_follow_up(written, message, self.me):
            follows = await self._follows(message)
            message = replace(message, addressed=follows)
        if message.addressed:
            message = await self._completed(message, follows=follows)
        taken = bool(await self._hub.deliver(message))
        if taken:
            self._taken[message.id] = message
            while len(self._taken) > REMEMBERED:
                self._taken.popitem(last=False)
        return taken

    async def _edit(self, written: Written) -> bool:
        message = await self._parsed(written)
        if message is None:
            return False
        fresh = time.time() - message.sent_at < CALLED_BY_EDIT
        if message.id not in self._taken and message.addressed and fresh and await self.take(written):
            return True  # the mention came with the edit
        return bool(await self._hub.deliver(edited(message, written.get("edited_timestamp") or "")))

    async def _delete(self, id: str) -> bool:
        message = self._taken.get(id)
        return message is not None and bool(await self._hub.deliver(deleted(message)))

    async def _parsed(self, written: Written) -> Message | None:
        """The message with its place. What nobody allowed wrote costs no call."""
        if not by_person(written, self.me):
            return None
        guild, channel = written.get("guild_id") or "", written.get("channel_id", "")
        me = replace(self.me, role=self._places.roles.get(guild, ""))
        place = self._places.get(channel)
        message = parse(written, place, me)
        if message is None or not guild or place is not None or not self._hub.allowed(message):
            return message
        try:
            self._places.add(read(await self._api.call("GET", "/channels/{}", channel), Channel) or Channel(), guild)
        except AdapterError as problem:
            log.warning("unknown_channel", channel=channel, problem=str(problem))
            if isinstance(problem, Gone | NotAllowed):
                self._places.put(channel, Place(guild))
        return parse(written, self._places.get(channel), me)

    async def _follows(self, message: Message) -> bool:
        try:
            async with asyncio.timeout(FOLLOWS_WITHIN):
                return await self._hub.follows(message.conversation)
        except TimeoutError:
            raise StoreError(f"the store did not answer within {FOLLOWS_WITHIN:g} s") from None

    async def _completed(self, message: Message, *, follows: bool) -> Message:
        """With what was said before, if the bot is called into a thread; and the thread to be made has its name."""
        where = message.conversation
        if where.direct or follows:
            return message
        if where.thread == message.id:
            self._threads.expect(message.id, message.text)
            return message
        if not self._context or await self._follows(message):
            return message
        try:
            async with asyncio.timeout(CONTEXT_WITHIN):
                before = await self._history.before(where, message.id, self._context)
        except (AdapterError, TimeoutError) as problem:
            log.warning("no_thread_context", message=message.id, problem=str(problem))
            return message
        return replace(message, context=before or message.context)

    async def _interact(self, interaction: Interaction) -> None:
        message = parse_interaction(interaction, self.me, self._messenger.keys)
        if message is None:
            return
        if message.text:
            await self._interactions.take(self._hub, interaction, message)
        elif self._hub.allowed(message):
            await self._interactions.answer(interaction, 4, TOO_OLD)

    def for_me(self, written: Written) -> bool:
        """Whether it mentions the bot: asked of what was missed in channels that are not followed."""
        role = self._places.roles.get(written.get("guild_id") or "", "")
        return mentions(written, replace(self.me, role=role))
