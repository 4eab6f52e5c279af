"""Reads messages back: one, a topic's, a chat's."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from adapters.feishu.api import Api
from adapters.feishu.posts import MESSAGE, MESSAGES
from adapters.feishu.wire import Group, Json, Listed, read_all
from botkit.model import Conversation

PAGE = 50
GROUPS = 100
PAGES = 10
"""Most pages of one reading; what is older than that is left out."""


class Reader:
    """What stands in chats and topics. All raise AdapterErrors. With `whole`, cards come as they were sent."""

    def __init__(self, api: Api, *, whole: bool = False) -> None:
        self._api = api
        self._form = {"card_msg_content_type": "user_card_content"} if whole else {}

    async def message(self, id: str) -> list[Listed]:
        """A message; one that forwards others is followed by those."""
        answer = await self._api.call("GET", MESSAGE, id, query=self._form)
        return read_all(answer.get("items"), Listed)

    def conversation(self, conversation: Conversation, since: float = 0.0) -> AsyncGenerator[Listed]:
        """Newest first, a topic's all, a chat's since then (Unix seconds)."""
        return self.topic(conversation.thread) if conversation.thread else self.chat(conversation.channel, since)

    async def topic(self, began: str) -> AsyncGenerator[Listed]:
        """Newest first. A list wants the topic's own id, which its first message knows."""
        first = await self.message(began)
        topic = first[0].get("thread_id") if first else None
        if not topic:
            for one in first[:1]:
                yield one
            return
        async for one in self._read({"container_id_type": "thread", "container_id": topic}):
            yield one

    async def chat(self, chat: str, since: float = 0.0) -> AsyncGenerator[Listed]:
        """Newest first, since then (Unix seconds)."""
        start = {"start_time": str(int(since))} if since else {}
        async for one in self._read({"container_id_type": "chat", "container_id": chat} | start):
            yield one

    async def groups(self) -> list[Group]:
        """The groups the bot is in, the most recently active first: the first hundred."""
        query = {"sort_type": "ByActiveTimeDesc", "page_size": str(GROUPS)}
        answer = await self._api.call("GET", "/open-apis/im/v1/chats", query=query)
        return read_all(answer.get("items"), Group)

    async def _read(self, query: dict[str, str]) -> AsyncGenerator[Listed]:
        query = {**query, **self._form, "sort_type": "ByCreateTimeDesc", "page_size": str(PAGE)}
        token: Json = {}
        for _ in range(PAGES):
            answer = await self._api.call("GET", MESSAGES, query=query | token)
            for one in read_all(answer.get("items"), Listed):
                yield one
            if not answer.get("has_more") or not answer.get("page_token"):
                return
            token = {"page_token": str(answer.get("page_token"))}
