"""What was said before: a thread's earlier messages, and what was missed while botkit was down."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping

from adapters.slack.api import Api, next_cursor
from adapters.slack.methods import Method
from adapters.slack.parse import WRITTEN
from adapters.slack.people import People
from adapters.slack.plain import mentions, plain
from adapters.slack.wire import Event, read_messages
from botkit.model import Conversation

PAGE = 100
PAGES = 10
"""Most pages of one reading; what is older than that is left out."""


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
