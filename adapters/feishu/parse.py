"""Turns what Feishu delivers into messages: written and recalled ones, pressed buttons. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import msgspec

from adapters.feishu.cards import COMMAND
from adapters.feishu.plain import Piece, addresses, is_mention_of, said
from adapters.feishu.wire import Delivery, Event, EventHeader, Json, Listed, Written, read, seconds
from botkit.model import Attachment, Conversation, Message, User


@dataclass(frozen=True, slots=True)
class Me:
    """Who the bot is on Feishu."""

    adapter: str
    open_id: str
    app_id: str


def parse(delivery: Delivery, me: Me, name: str = "") -> Message | None:
    """A message that a person wrote, or a button that one pressed; None for anything else.

    `name` is the author's, which Feishu does not tell. `addressed` is what the delivery alone can tell; `may_follow_up`
    names those that a followed topic makes addressed.
    """
    header, event = delivery.get("header", EventHeader()), delivery.get("event", Event())
    match header.get("event_type"):
        case "im.message.receive_v1":
            return _written(header, event, me, name)
        case "card.action.trigger":
            return _pressed(header, event, me)
        case _:
            return None


def written(delivery: Delivery) -> Written:
    return delivery.get("event", Event()).get("message", Written())


def recalled(delivery: Delivery) -> str:
    """The id of the message that was taken back, '' if the delivery is about something else."""
    if delivery.get("header", EventHeader()).get("event_type") != "im.message.recalled_v1":
        return ""
    return delivery.get("event", Event()).get("message_id", "")


def entered(delivery: Delivery, me: Me) -> tuple[Conversation, User] | None:
    """Who has opened their direct messages with the bot: a message of theirs may follow."""
    header, event = delivery.get("header", EventHeader()), delivery.get("event", Event())
    who, chat = event.get("operator_id", {}).get("open_id"), event.get("chat_id")
    if header.get("event_type") != "im.chat.access_event.bot_p2p_chat_entered_v1" or not who or not chat:
        return None
    return Conversation(me.adapter, header.get("tenant_key", ""), chat, direct=True), User(who)


def deleted(message: Message) -> Message:
    """The recall of a message, which Feishu tells without saying whose it was."""
    return replace(
        message, id=f"{message.id}:deleted", kind="deleted", reply_to=message.id, text="", attachments=(), context=""
    )


def fingerprint(delivery: Delivery) -> str:
    """What stays the same when Feishu delivers a message again under another id; '' for what is no message."""
    message = written(delivery)
    author = _author(delivery)
    if not author or not message.get("create_time"):
        return ""
    said = "\0".join((message.get("create_time", ""), author, message.get("chat_id", ""), message.get("content", "")))
    return hashlib.sha256(said.encode(errors="replace")).hexdigest()


def in_topic(message: Written) -> bool:
    """Whether it answers in a topic, and does not begin one."""
    return bool(message.get("thread_id") and message.get("root_id"))


def quoted(message: Written) -> str:
    """The id of the message it answers, outside of topics or inside of one by more than standing there; or ''."""
    parent = message.get("parent_id") or ""
    return "" if in_topic(message) and parent == message.get("root_id") else parent


def may_follow_up(message: Message, raw: Written, me: Me) -> bool:
    """Whether a message is meant for the bot if it is part of the topic: it begins with nobody else."""
    if message.addressed or not in_topic(raw):
        return False
    mentions = raw.get("mentions") or []
    first = addresses(raw.get("message_type", ""), raw.get("content", ""), mentions)
    return first is None or is_mention_of(first, me.open_id)


def delivery_of(listed: Listed, *, space: str, direct: bool) -> Delivery:
    """A message of a history as the event it would have been."""
    sender = listed.get("sender") or {}
    kind = sender.get("sender_type", "")
    return {
        "schema": "2.0",
        "header": {"event_type": "im.message.receive_v1", "tenant_key": space or sender.get("tenant_key", "")},
        "event": {
            "sender": {"sender_id": {"open_id": sender.get("id", "")}, "sender_type": kind},
            "message": {
                "message_id": listed.get("message_id", ""),
                "root_id": listed.get("root_id"),
                "parent_id": listed.get("parent_id"),
                "thread_id": listed.get("thread_id"),
                "create_time": listed.get("create_time", ""),
                "chat_id": listed.get("chat_id", ""),
                "chat_type": "p2p" if direct else "group",
                "message_type": listed.get("msg_type", ""),
                "content": (listed.get("body") or {}).get("content", ""),
                "mentions": listed.get("mentions"),
            },
        },
    }


def _author(delivery: Delivery) -> str:
    return ((delivery.get("event", Event()).get("sender") or {}).get("sender_id") or {}).get("open_id") or ""


def _written(header: EventHeader, event: Event, me: Me, name: str) -> Message | None:
    message, sender = event.get("message", Written()), event.get("sender", {})
    author, id = (sender.get("sender_id") or {}).get("open_id") or "", message.get("message_id", "")
    if not (author and id and message.get("chat_id")) or sender.get("sender_type") != "user" or author == me.open_id:
        return None
    mentions = message.get("mentions") or []
    text = said(message.get("message_type", ""), message.get("content", ""), mentions, me=me.open_id)
    conversation = _conversation(header, message, me)
    return Message(
        id=id,
        conversation=conversation,
        author=User(author, name),
        text=text.text,
        sent_at=seconds(message.get("create_time", "")),
        addressed=conversation.direct or any(is_mention_of(one, me.open_id) for one in mentions),
        attachments=tuple(_attachment(id, piece) for piece in text.files),
    )


def _conversation(header: EventHeader, message: Written, me: Me) -> Conversation:
    """A topic, named by the message that begins it; in a direct chat everything outside of topics is one."""
    direct = message.get("chat_type") == "p2p"
    topic = (message.get("root_id") or "") if in_topic(message) else ""
    thread = topic or ("" if direct and not message.get("thread_id") else message.get("message_id", ""))
    return Conversation(me.adapter, header.get("tenant_key", ""), message.get("chat_id", ""), thread, direct=direct)


def _attachment(message: str, piece: Piece) -> Attachment:
    """Named by where it stands: a file is only given out together with its message. Feishu does not tell its size."""
    return Attachment(f"{message}/{piece.type}/{piece.key}", piece.name, piece.media_type, 0)


def _value(value: object) -> Json:
    """A button's value; some clients give it back as text, or as text in a text."""
    for _ in range(2):
        try:
            value = msgspec.json.decode(value) if isinstance(value, str) else value
        except msgspec.DecodeError:
            return {}
    return read(value, Json) or {}


def _pressed(header: EventHeader, event: Event, me: Me) -> Message | None:
    who, where = event.get("operator", {}), event.get("context", {})
    given = _value(event.get("action", {}).get("value"))
    command, topic = given.get(COMMAND), given.get("topic")
    author, chat, id = who.get("open_id", ""), where.get("open_chat_id", ""), header.get("event_id", "")
    if not (isinstance(command, str) and command and author and chat and id):
        return None
    space = header.get("tenant_key") or who.get("tenant_key") or ""
    thread = topic if isinstance(topic, str) else ""
    return Message(
        id=f"action:{event.get('token') or id}",
        conversation=Conversation(me.adapter, space, chat, thread, direct=bool(given.get("direct"))),
        author=User(author),
        text=command,
        sent_at=seconds(header.get("create_time", "")[:13]),
        kind="action",
        reply_to=where.get("open_message_id", ""),
    )
