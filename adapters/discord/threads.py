"""Where a conversation's messages are posted: its thread, which is made from the mention at the first word."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from weakref import WeakValueDictionary

import structlog

from adapters.discord.api import Api
from adapters.discord.parse import readable
from adapters.discord.places import Place, Places
from adapters.discord.wire import Channel, Written, read
from botkit.errors import Gone, NotAllowed, TooLong
from botkit.model import Conversation
from botkit.redact import whole

log = structlog.get_logger("botkit.discord")

NAME = 100
"""Most characters of a thread's name."""
NAMELESS = "Claude"
REMEMBERED = 2000
EXISTS = "160004"


@dataclass(frozen=True, slots=True)
class Target:
    """A channel to post in; outside of the thread as a reply to `reply_to`."""

    channel: str
    reply_to: str = ""


class Threads:
    """Knows the threads and makes new ones. Where none can be made, answers stand in the channel as replies."""

    def __init__(self, api: Api, places: Places) -> None:
        self._api, self._places = api, places
        self._names: OrderedDict[str, str] = OrderedDict()
        self._flat: OrderedDict[str, None] = OrderedDict()
        self._making: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def expect(self, thread: str, text: str) -> None:
        """A message may soon begin a thread: what to call it."""
        self._names[thread] = text
        while len(self._names) > REMEMBERED:
            self._names.popitem(last=False)

    def channel(self, conversation: Conversation) -> str:
        """The channel that posts go to, as far as known without asking."""
        flat = not conversation.thread or conversation.thread in self._flat
        return conversation.channel if flat else conversation.thread

    async def target(self, conversation: Conversation) -> Target:
        """Where to post; makes the thread if there is none. Raises AdapterErrors."""
        thread = conversation.thread
        if not thread:
            return Target(conversation.channel)
        known = self._known(conversation)
        if known is not None:
            return known
        making = self._making.setdefault(thread, asyncio.Lock())
        async with making:
            return self._known(conversation) or await self._find_or_make(conversation)

    def _known(self, conversation: Conversation) -> Target | None:
        if conversation.thread in self._flat:
            return Target(conversation.channel, conversation.thread)
        place = self._places.get(conversation.thread)
        if place is None:
            return None
        if place.parent != conversation.channel:
            raise Gone("the thread is not in this channel", code="10003")
        return Target(conversation.thread)

    async def _find_or_make(self, conversation: Conversation) -> Target:
        if conversation.thread not in self._names:
            if await self._exists(conversation):
                return Target(conversation.thread)
            found = await self._api.call("GET", "/channels/{}/messages/{}", conversation.channel, conversation.thread)
            self.expect(conversation.thread, readable(read(found, Written) or Written()))
        return await self._make(conversation)

    async def _exists(self, conversation: Conversation) -> bool:
        try:
            found = read(await self._api.call("GET", "/channels/{}", conversation.thread), Channel) or Channel()
        except Gone:
            return False
        self._places.add(found, conversation.space)
        return self._known(conversation) is not None

    async def _make(self, conversation: Conversation) -> Target:
        channel, thread = conversation.channel, conversation.thread
        body = {"name": thread_name(whole(self._names.get(thread, "")))}
        try:
            await self._api.call("POST", "/channels/{}/messages/{}/threads", channel, thread, json=body)
        except (NotAllowed, TooLong) as problem:
            if problem.code != EXISTS:
                log.warning("no_thread", channel=channel, problem=str(problem))
                self._flat[thread] = None
                while len(self._flat) > REMEMBERED:
                    self._flat.popitem(last=False)
                return Target(channel, thread)
        self._names.pop(thread, None)
        self._places.put(thread, Place(conversation.space, channel))
        return Target(thread)


def thread_name(text: str) -> str:
    """A thread's name from what was asked: its first line, cut at a word."""
    line = next((line for line in (" ".join(part.split()) for part in text.split("\n")) if line), "")
    if len(line) <= NAME:
        return line or NAMELESS
    cut = line.rfind(" ", NAME // 2, NAME - 1)
    return line[: cut if cut > 0 else NAME - 1].rstrip() + "…"
