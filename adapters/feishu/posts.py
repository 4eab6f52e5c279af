"""Messages of the bot as the chat holds them: posted, replaced, named."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Literal

from adapters.feishu.api import Api
from adapters.feishu.cards import dumps, uuid
from adapters.feishu.refusals import NO_SCOPE
from adapters.feishu.wire import Json, Listed, read_all
from botkit.errors import Gone, NotAllowed, Unreachable
from botkit.model import Conversation

MESSAGES, MESSAGE = "/open-apis/im/v1/messages", "/open-apis/im/v1/messages/{}"
REMEMBERED = 2000

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
        self._chats: OrderedDict[str, str] = OrderedDict()

    def known(self, conversation: Conversation) -> None:
        """Feishu itself has said that this topic is in this chat."""
        if conversation.thread:
            self._chats[conversation.thread] = conversation.channel
        while len(self._chats) > REMEMBERED:
            self._chats.popitem(last=False)

    async def post(self, conversation: Conversation, type: Type, content: Json, nonce: str) -> str:
        """Into the topic, which begins with the first answer; outside of topics into the chat. The message's id.

        For an hour Feishu posts a nonce only once and names the same message again. Raises AdapterErrors.
        """
        body: Json = {"msg_type": type, "content": dumps(content)}
        if nonce:
            body["uuid"] = uuid(nonce)
        if conversation.thread:
            await self._check_place(conversation)
            body["reply_in_thread"] = True
            posted = await self._api.call("POST", MESSAGE + "/reply", conversation.thread, json=body)
        else:
            body["receive_id"] = conversation.channel
            posted = await self._api.call("POST", MESSAGES, query={"receive_id_type": "chat_id"}, json=body)
        id = posted.get("message_id")
        if not isinstance(id, str):
            raise Unreachable("Feishu named no message", acted=True)
        return id

    async def _check_place(self, conversation: Conversation) -> None:
        """A topic is addressed by its first message alone: a card that was forwarded must not write back from afar."""
        if conversation.thread not in self._chats:
            try:
                found = await self._api.call("GET", MESSAGE, conversation.thread)
            except NotAllowed as problem:
                if problem.code != NO_SCOPE:
                    raise
                return
            for one in read_all(found.get("items"), Listed)[:1]:
                self.known(replace(conversation, channel=one.get("chat_id", "")))
        if self._chats.get(conversation.thread) != conversation.channel:
            raise Gone("the topic is not in this chat", code="230019")

    async def replace_card(self, message: str, card: Json) -> None:
        """Raises AdapterErrors."""
        await self._api.call("PATCH", MESSAGE, message, json={"content": dumps(card)})

    async def replace_text(self, message: str, text: str) -> None:
        """At most twenty times a message. Raises AdapterErrors."""
        await self._api.call("PUT", MESSAGE, message, json={"msg_type": "text", "content": dumps({"text": text})})
