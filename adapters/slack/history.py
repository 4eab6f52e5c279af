"""What was said before: a thread's earlier messages, and what was missed while botkit was down."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping

from adapters.slack.api import Api, next_cursor
from adapters.slack.methods import Method
from adapters.slack.parse import WRITTEN
from adapters.slack.people import People
from adapters.slack.plain import mentions, plain
from adapters.slack.wire import Event, read_channels, read_messages
from botkit.model import Conversation

PAGE = 100
PAGES = 10
"""Most pages of one reading; what is older than that is left out."""
MOST = 999
"""Messages, or channels, of the largest page: https://docs.slack.dev/reference/methods/users.conversations."""
TYPES = ("public_channel", "private_channel", "mpim", "im")


class History:
    """Reads conversations."""

    def __init__(self, api: Api, people: People) -> None:
        self._api, self._people = api, people

    async def before(self, conversation: Conversation, ts: str, most: int) -> str:
        """The last `most` messages of a thread before `ts`, as Markdown: `name: text`. Raises AdapterErrors."""
        said = {event.get("ts", ""): event async for event in self._read(conversation, latest=ts) if _readable(event)}
        ordered = [said[at] for at in sorted(said)]
        found = [*ordered[:1], *ordered[1:][-(most - 1) :]] if most > 1 else ordered[:1]  # what began it, then the last
        texts = [event.get("text") or "" for event in found]
        ids = [event.get("user") or "" for event in found] + [id for text in texts for id in mentions(text)]
        names = await self._people.names(ids)
        lines = ((_speaker(event, names), plain(text, names=names)) for event, text in zip(found, texts, strict=True))
        return "\n\n".join(f"**{name}**: {text}" for name, text in lines if text)

    async def missed(self, conversation: Conversation, since: float, most: int) -> list[Event]:
        """At most the last `most` messages of a conversation since then (Unix seconds), oldest first."""
        found = {event.get("ts", ""): event async for event in self._read(conversation, oldest=f"{since:.6f}")}
        return [found[at] for at in sorted(found)][-most:]

    async def page(self, channel: Conversation, since: float) -> list[Event]:
        """The last thousand messages of a channel since then (Unix seconds), in one call. Raises AdapterErrors."""
        answer = await self._api.call(
            "conversations.history", channel=channel.channel, oldest=f"{since:.6f}", limit=MOST
        )
        return read_messages(answer.get("messages"))

    async def channels(self) -> list[str]:
        """The ids of all channels and direct messages the bot is in, the youngest first. Raises AdapterErrors."""
        found: list[tuple[int, str]] = []
        cursor = ""
        for _ in range(PAGES):
            answer = await self._api.call(
                "users.conversations", types=",".join(TYPES), exclude_archived=True, limit=MOST, cursor=cursor or None
            )
            found += [(one.get("created", 0), one.get("id", "")) for one in read_channels(answer.get("channels"))]
            cursor = next_cursor(answer)
            if not cursor:
                break
        return [id for _, id in sorted(found, reverse=True) if id]

    async def _read(
        self, conversation: Conversation, *, oldest: str | None = None, latest: str | None = None
    ) -> AsyncGenerator[Event]:
        method: Method = "conversations.replies" if conversation.thread else "conversations.history"
        cursor = ""
        for _ in range(PAGES):
            answer = await self._api.call(
                method,
                channel=conversation.channel,
                ts=conversation.thread or None,
                oldest=oldest,
                latest=latest,
                limit=PAGE,
                cursor=cursor or None,
            )
            for event in read_messages(answer.get("messages")):
                # A thread's first message comes with every page, whatever the bounds.
                if (oldest and event.get("ts", "") <= oldest) or (latest and event.get("ts", "") >= latest):
                    continue
                yield event
            cursor = next_cursor(answer)
            if not cursor:
                return


def _readable(event: Event) -> bool:
    return event.get("subtype") in (*WRITTEN, "bot_message") and bool(event.get("text"))


def _speaker(event: Event, names: Mapping[str, str]) -> str:
    user, profile = event.get("user") or "", event.get("bot_profile") or {}
    return names.get(user) or event.get("username") or profile.get("name") or user or "somebody"
