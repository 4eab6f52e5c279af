"""What the gateway tells of servers: which channel a thread belongs to, what was said last where, our roles."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from adapters.discord.wire import Channel, Guild, Json, Ready, Role, read

THREADS = (10, 11, 12)
"""Channel types: threads of announcements, public and private ones."""
DIRECT = (1, 3)
REMEMBERED = 20_000
"""Channels; the least recently heard of are forgotten."""


@dataclass(slots=True)
class Place:
    """A channel, or a thread of `parent`."""

    guild: str
    parent: str = ""
    last: str = ""
    """The id of the last message known of."""


class Places:
    """Everything known about channels."""

    def __init__(self) -> None:
        self.roles: dict[str, str] = {}
        """Of each server, the role that Discord made for the bot: people mention it by mistake."""
        self._places: OrderedDict[str, Place] = OrderedDict()
        self._awaited: set[str] = set()
        self._complete = asyncio.Event()
        self._me = ""

    async def described(self, seconds: float) -> None:
        """Wait until all servers that READY announced have been described, but no longer than that."""
        try:
            async with asyncio.timeout(seconds):
                await self._complete.wait()
        except TimeoutError:
            return

    def get(self, channel: str) -> Place | None:
        return self._places.get(channel)

    def recent(self, since: str) -> list[str]:
        """Channels and threads in which something was said after a message id, the latest first."""
        after = int(since)
        found = [(int(place.last), id) for id, place in self._places.items() if place.last.isdigit()]
        return [id for last, id in sorted(found, reverse=True) if last > after]

    def add(self, channel: Channel, guild: str = "") -> None:
        """Remember a channel as Discord describes it."""
        id = channel.get("id", "")
        if not id:
            return
        parent = (channel.get("parent_id") or "") if channel.get("type") in THREADS else ""
        self.put(id, Place(channel.get("guild_id") or guild, parent, channel.get("last_message_id") or ""))

    def put(self, id: str, place: Place) -> None:
        self._places[id] = place
        self._places.move_to_end(id)
        while len(self._places) > REMEMBERED:
            self._places.popitem(last=False)

    def learn(self, event: str, data: Json) -> None:
        """Take in a gateway event."""
        match event:
            case "READY":
                self._ready(read(data, Ready) or Ready())
            case "GUILD_CREATE":
                self._guild(read(data, Guild) or Guild())
            case "GUILD_DELETE":
                self._arrived(str(data.get("id")))
            case "GUILD_ROLE_CREATE" | "GUILD_ROLE_UPDATE":
                self._role(str(data.get("guild_id")), read(data.get("role"), Role) or Role())
            case "CHANNEL_CREATE" | "CHANNEL_UPDATE" | "THREAD_CREATE" | "THREAD_UPDATE":
                self.add(read(data, Channel) or Channel())
            case "THREAD_LIST_SYNC":
                self._guild(read({**data, "id": data.get("guild_id"), "channels": []}, Guild) or Guild())
            case "CHANNEL_DELETE" | "THREAD_DELETE":
                self._places.pop(str(data.get("id")), None)
            case "MESSAGE_CREATE":
                place = self._places.get(str(data.get("channel_id")))
                if place is not None:
                    place.last = str(data.get("id"))
            case _:
                pass

    def _ready(self, ready: Ready) -> None:
        self._me = ready.get("user", {}).get("id", "")
        self._awaited = {guild.get("id", "") for guild in ready.get("guilds", ())}
        self._complete.clear()
        self._arrived("")

    def _guild(self, guild: Guild) -> None:
        id = guild.get("id", "")
        for channel in (*guild.get("channels", ()), *guild.get("threads", ())):
            self.add(channel, id)
        for role in guild.get("roles", ()):
            self._role(id, role)
        self._arrived(id)

    def _arrived(self, guild: str) -> None:
        self._awaited.discard(guild)
        if not self._awaited:
            self._complete.set()

    def _role(self, guild: str, role: Role) -> None:
        if self._me and (role.get("tags") or {}).get("bot_id") == self._me:
            self.roles[guild] = role.get("id", "")
