"""What was said before: a topic's earlier messages, a quoted message, what was missed while botkit was down."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.feishu.people import People
from adapters.feishu.plain import said
from adapters.feishu.reading import Reader
from adapters.feishu.wire import Listed, seconds
from botkit.model import Conversation


class History:
    """Reads chats and topics."""

    def __init__(self, reader: Reader, people: People, open_id: str, app_id: str) -> None:
        self._reader, self._people, self._me = reader, people, (open_id, app_id)

    async def before(self, conversation: Conversation, id: str, most: int) -> str:
        """The last `most` messages of a topic before one, as Markdown: `name: text`. Raises AdapterErrors."""
        found: list[Listed] = []
        async for one in self._reader.topic(conversation.thread):
            if found or one.get("message_id") == id:  # newest first, so what follows is earlier
                found.append(one)
            if len(found) > most:
                break
        earlier = [one for one in reversed(found[1:]) if not one.get("deleted")]
        if earlier and earlier[0].get("message_id") != conversation.thread:
            began = await self._reader.message(conversation.thread)
            earlier = [*began[:1], *earlier[1 if len(earlier) >= most else 0 :]]  # what began it, then the last
        return await self._lines(earlier)

    async def quote(self, id: str) -> str:
        """The message that somebody answers, or those it forwards; '' for one of the bot's. Raises AdapterErrors."""
        found = await self._reader.message(id)
        mine = bool(found) and (found[0].get("sender") or {}).get("id") in self._me
        return "" if mine else await self._lines(found[1:] or found)

    async def groups(self) -> list[tuple[str, str]]:
        """Tenant and chat of the groups the bot is in, the most recently active first. Raises AdapterErrors."""
        return [(one.get("tenant_key", ""), one.get("chat_id", "")) for one in await self._reader.groups()]

    async def missed(self, conversation: Conversation, since: float, most: int) -> list[Listed]:
        """At most the last `most` messages of a topic, or of a chat outside of topics, since then; oldest first."""
        found: dict[str, Listed] = {}
        async for one in self._reader.conversation(conversation, since):
            if seconds(one.get("create_time", "")) < since or len(found) >= most:
                break
            found[one.get("message_id", "")] = one
        return [one for one in reversed(found.values()) if not one.get("deleted")]

    async def _lines(self, messages: Sequence[Listed]) -> str:
        names = await self._people.names((one.get("sender") or {}).get("id", "") for one in messages if _by_person(one))
        lines: list[str] = []
        for one in messages:
            text = readable(one)
            who = (one.get("sender") or {}).get("id", "")
            name = names.get(who) or ("Claude" if who in self._me else "bot" if not _by_person(one) else who)
            lines += [f"**{name}**: {text}"] if text else []
        return "\n\n".join(lines)


def readable(message: Listed) -> str:
    """What a message says, for those who were not there."""
    content = (message.get("body") or {}).get("content", "")
    found = said(message.get("msg_type", ""), content, message.get("mentions") or [])
    files = ", ".join(piece.name for piece in found.files)
    return " ".join(filter(None, (found.text, f"[{files}]" if files else "")))


def _by_person(message: Listed) -> bool:
    return (message.get("sender") or {}).get("sender_type") == "user"
