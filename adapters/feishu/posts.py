"""Messages of the bot as the chat holds them: posted, replaced, named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from adapters.feishu.api import Api
from adapters.feishu.cards import dumps, uuid
from adapters.feishu.wire import Json
from botkit.errors import Unreachable
from botkit.model import Conversation

MESSAGES, MESSAGE = "/open-apis/im/v1/messages", "/open-apis/im/v1/messages/{}"

Type = Literal["interactive", "text", "image", "file"]


@dataclass(frozen=True, slots=True)
class Name:
    """A posted message, in a ref `om_…:HOW`: `HOW` is a streaming card's id, "text", or nothing for an ordinary card.

    This is all an edit needs after a restart.
    """

    message: str
    how: str = ""

    @classmethod
    def parse(cls, ref: str) -> Name:
        message, _, how = ref.partition(":")
        return cls(message, how)

    @property
    def card(self) -> str:
        """The id of the streaming card, '' if it is none."""
        return "" if self.how == "text" else self.how

    def __str__(self) -> str:
        return f"{self.message}:{self.how}" if self.how else self.message


class Posts:
    """Writes into chats and topics."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def post(self, conversation: Conversation, type: Type, content: Json, nonce: str) -> str:
        """Into the topic, which begins with the first answer; outside of topics into the chat. The message's id.

        For an hour Feishu posts a nonce only once and names the same message again. Raises AdapterErrors.
        """
        body: Json = {"msg_type": type, "content": dumps(content)}
        if nonce:
            body["uuid"] = uuid(nonce)
        if conversation.thread:
            body["reply_in_thread"] = True
            posted = await self._api.call("POST", MESSAGE + "/reply", conversation.thread, json=body)
        else:
            body["receive_id"] = conversation.channel
            posted = await self._api.call("POST", MESSAGES, query={"receive_id_type": "chat_id"}, json=body)
        id = posted.get("message_id")
        if not isinstance(id, str):
            raise Unreachable("Feishu named no message", acted=True)
        return id

    async def replace_card(self, message: str, card: Json) -> None:
        """Raises AdapterErrors."""
        await self._api.call("PATCH", MESSAGE, message, json={"content": dumps(card)})

    async def replace_text(self, message: str, text: str) -> None:
        """At most twenty times a message. Raises AdapterErrors."""
        await self._api.call("PUT", MESSAGE, message, json={"msg_type": "text", "content": dumps({"text": text})})
