"""What was said before: a thread's earlier messages, and what was missed while botkit was down."""

from __future__ import annotations

from adapters.discord.api import Api
from adapters.discord.parse import readable, speaker
from adapters.discord.wire import Json, Written, first_id, read, read_all
from botkit.errors import Gone, NotAllowed
from botkit.model import Conversation

MESSAGES = "/channels/{}/messages"
PAGE = 100
PAGES = 10
"""Most pages of one reading."""


class History:
    """Reads channels and threads."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def before(self, conversation: Conversation, id: str, most: int) -> str:
        """The last `most` messages of a thread before one, as Markdown: `name: text`. Raises AdapterErrors."""
        said: list[Written] = []
        while len(said) < most:
            query = {"limit": str(min(PAGE, most - len(said))), "before": id}
            page = read_all(await self._api.call("GET", MESSAGES, conversation.thread, query=query), Written)
            said += page
            if len(page) < int(query["limit"]):
                break
            id = page[-1].get("id", "")
        begun = await self._beginning(conversation)
        found = [*([begun] if begun else []), *reversed(said)][-most:] if len(said) < most else [*reversed(said)]
        if begun and begun not in found:
            found = [begun, *found[1:]]  # what began it, then the last
        lines = ((speaker(one), readable(one)) for one in found)
        return "\n\n".join(f"**{name}**: {text}" for name, text in lines if text)

    async def missed(self, channel: str, since: float, most: int) -> list[Json]:
        """At most the last `most` messages of a channel since then (Unix seconds), oldest first."""
        found: list[Json] = []
        after = first_id(since)
        for _ in range(PAGES):
            query = {"limit": str(PAGE), "after": after}
            answer = await self._api.call("GET", MESSAGES, channel, query=query, rank="idle")
            page = sorted(read_all(answer, Json), key=lambda one: int(one.get("id", 0)))
            found += page
            if len(page) < PAGE:
                break
            after = str(page[-1].get("id"))
        return found[-most:]

    async def _beginning(self, conversation: Conversation) -> Written | None:
        """The message a thread was made from stands in the channel above; not every thread was made from one."""
        try:
            found = await self._api.call("GET", "/channels/{}/messages/{}", conversation.channel, conversation.thread)
        except (Gone, NotAllowed):
            return None
        return read(found, Written)
