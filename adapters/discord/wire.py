"""What Discord sends, as Discord names it: only the fields that are read. Unknown ones pass, wrong types do not."""

from __future__ import annotations

from typing import Any, TypedDict, TypeVar

import msgspec

Json = dict[str, Any]

_Shape = TypeVar("_Shape")


class Author(TypedDict, total=False):
    """https://docs.discord.com/developers/resources/user#user-object; `member` stands in mentions only."""

    id: str
    username: str
    global_name: str | None
    bot: bool
    member: Member | None


class Member(TypedDict, total=False):
    nick: str | None
    user: Author | None


class File(TypedDict, total=False):
    """https://docs.discord.com/developers/resources/message#attachment-object"""

    id: str
    filename: str
    title: str | None
    content_type: str | None
    size: int
    url: str


class Reference(TypedDict, total=False):
    type: int
    message_id: str | None
    channel_id: str | None


class Content(TypedDict, total=False):
    """The part of a message that a forward carries along."""

    content: str
    attachments: list[File]


class Snapshot(TypedDict, total=False):
    message: Content


class Written(TypedDict, total=False):
    """https://docs.discord.com/developers/resources/message#message-object; over REST without guild_id and member."""

    id: str
    channel_id: str
    guild_id: str | None
    type: int
    author: Author
    member: Member | None
    webhook_id: str | None
    content: str
    edited_timestamp: str | None
    mentions: list[Author]
    mention_roles: list[str]
    attachments: list[File]
    message_reference: Reference | None
    referenced_message: Written | None
    message_snapshots: list[Snapshot] | None
    nonce: str | int | None


class Typing(TypedDict, total=False):
    """TYPING_START; in direct messages without guild_id and member."""

    channel_id: str
    guild_id: str | None
    user_id: str
    member: Member | None


class Deleted(TypedDict, total=False):
    """MESSAGE_DELETE and MESSAGE_DELETE_BULK."""

    id: str
    ids: list[str]
    channel_id: str
    guild_id: str | None


class Channel(TypedDict, total=False):
    """https://docs.discord.com/developers/resources/channel#channel-object"""

    id: str
    type: int
    guild_id: str | None
    parent_id: str | None
    last_message_id: str | None


class Tags(TypedDict, total=False):
    bot_id: str


class Role(TypedDict, total=False):
    id: str
    tags: Tags | None


class Guild(TypedDict, total=False):
    """GUILD_CREATE, and the guilds that READY announces."""

    id: str
    unavailable: bool
    channels: list[Channel]
    threads: list[Channel]
    roles: list[Role]


class Application(TypedDict, total=False):
    id: str
    flags: int
    approximate_guild_count: int


class Ready(TypedDict, total=False):
    user: Author
    guilds: list[Guild]
    application: Application


class Option(TypedDict, total=False):
    name: str
    value: str | int | float | bool


class Data(TypedDict, total=False):
    """Of a slash command: `name` and `options`; of a component: `custom_id` and, in a select menu, `values`."""

    name: str
    options: list[Option] | None
    custom_id: str
    values: list[str] | None


class Interaction(TypedDict, total=False):
    """https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object"""

    id: str
    application_id: str
    type: int
    token: str
    data: Data | None
    guild_id: str | None
    channel_id: str | None
    channel: Channel | None
    member: Member | None
    user: Author | None
    message: Written | None


def read(data: object, shape: type[_Shape]) -> _Shape | None:
    """The data in a shape; None when it has another."""
    try:
        return msgspec.convert(data, shape)
    except msgspec.ValidationError:
        return None


def read_all(found: object, shape: type[_Shape]) -> list[_Shape]:
    """The elements of a list that have the shape; the others are left out."""
    return [item for each in read(found, list[object]) or () if (item := read(each, shape)) is not None]


def moment(id: str) -> float:
    """Unix seconds at which a snowflake was made; 0.0 for what is none."""
    return ((int(id) >> 22) + 1_420_070_400_000) / 1000 if snowflake(id) else 0.0


def first_id(at: float) -> str:
    """The smallest snowflake of a moment in Unix seconds."""
    return str(max(0, int(at * 1000) - 1_420_070_400_000) << 22)


def snowflake(id: str) -> bool:
    """Whether a text can be an id of Discord's at all."""
    return id.isascii() and id.isdigit() and len(id) <= 20
