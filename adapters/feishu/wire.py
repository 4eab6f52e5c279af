"""What Feishu sends, as Feishu names it: only the fields that are read. Unknown ones pass, wrong types do not."""

from __future__ import annotations

from typing import Any, TypedDict, TypeVar

import msgspec

from botkit import halves

Json = dict[str, Any]

_Shape = TypeVar("_Shape")


class Ids(TypedDict, total=False):
    open_id: str | None


class Sender(TypedDict, total=False):
    """In events; `sender_type` is "user", or "app" for bots."""

    sender_id: Ids | None
    sender_type: str
    tenant_key: str


class Mention(TypedDict, total=False):
    """`key` is what stands in the text. In events `id` is an object, in lists a text (of `id_type`)."""

    key: str
    id: Ids | str | None
    name: str


class Written(TypedDict, total=False):
    """FD:im-v1/message/events/receive; times are milliseconds, as text."""

    message_id: str
    root_id: str | None
    parent_id: str | None
    thread_id: str | None
    create_time: str
    chat_id: str
    chat_type: str
    message_type: str
    content: str
    mentions: list[Mention] | None


class Group(TypedDict, total=False):
    """FD:im-v1/chat/list"""

    chat_id: str
    tenant_key: str


class Listed(TypedDict, total=False):
    """FD:im-v1/message/get and list: the same message in other words."""

    message_id: str
    root_id: str | None
    parent_id: str | None
    thread_id: str | None
    msg_type: str
    create_time: str
    deleted: bool
    chat_id: str
    sender: ListedSender | None
    body: Body | None
    mentions: list[Mention] | None
    upper_message_id: str | None


class ListedSender(TypedDict, total=False):
    id: str
    sender_type: str
    tenant_key: str


class Body(TypedDict, total=False):
    content: str


class EventHeader(TypedDict, total=False):
    event_id: str
    event_type: str
    create_time: str
    tenant_key: str


class Operator(TypedDict, total=False):
    open_id: str
    tenant_key: str | None


class Press(TypedDict, total=False):
    """`value` is what the card gave the button."""

    value: Json | str | None
    tag: str


class Context(TypedDict, total=False):
    open_message_id: str
    open_chat_id: str


class Event(TypedDict, total=False):
    """The `event` of every kind that is read: a message, a recall, a press."""

    sender: Sender
    message: Written
    message_id: str
    chat_id: str
    recall_time: str
    operator_id: Ids
    operator: Operator
    token: str
    action: Press
    context: Context


class Delivery(TypedDict, total=False):
    """An event of schema 2.0, the same over the webhook and the long connection."""

    schema: str
    header: EventHeader
    event: Event


class BotInfo(TypedDict, total=False):
    activate_status: int
    app_name: str
    open_id: str


class Scope(TypedDict, total=False):
    scope_name: str
    grant_status: int


def read(data: object, shape: type[_Shape]) -> _Shape | None:
    """The data in a shape; None when it has another."""
    try:
        return msgspec.convert(data, shape)
    except msgspec.ValidationError:
        return None


def read_all(found: object, shape: type[_Shape]) -> list[_Shape]:
    """The elements of a list that have the shape; the others are left out."""
    return [item for each in read(found, list[object]) or () if (item := read(each, shape)) is not None]


def content_of(text: str) -> Json:
    """A message's content, which is JSON in a text; {} when it is none."""
    try:
        return halves.decode(text, Json)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError):
        return {}


def seconds(milliseconds: str) -> float:
    """Unix seconds of a time of Feishu's; 0.0 for what is none."""
    return int(milliseconds) / 1000 if milliseconds.isascii() and milliseconds.isdigit() else 0.0
