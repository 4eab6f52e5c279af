"""What Slack sends, as Slack names it: only the fields that are read. Unknown ones pass, wrong types are refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import msgspec


class File(TypedDict, total=False):
    """https://docs.slack.dev/reference/objects/file-object"""

    id: str
    name: str | None
    title: str | None
    mimetype: str | None
    size: int | None
    mode: str | None
    url_private: str | None
    url_private_download: str | None


class BotProfile(TypedDict, total=False):
    name: str | None


class Edited(TypedDict, total=False):
    user: str
    ts: str


class Shared(TypedDict, total=False):
    """A legacy attachment; forwarded messages arrive as one with `is_share`."""

    is_share: bool | None
    author_name: str | None
    text: str | None
    fallback: str | None


class AssistantThread(TypedDict, total=False):
    """Of `assistant_thread_started`."""

    user_id: str
    channel_id: str
    thread_ts: str | None


class Event(TypedDict, total=False):
    """An event, and also a message as conversations.replies and conversations.history give it."""

    type: str
    subtype: str | None
    channel: str
    channel_type: str | None
    user: str | None
    bot_id: str | None
    app_id: str | None
    username: str | None
    bot_profile: BotProfile | None
    text: str | None
    ts: str
    thread_ts: str | None
    event_ts: str
    deleted_ts: str
    edited: Edited | None
    latest_reply: str | None
    """The ts, in a history alone."""
    files: list[File] | None
    attachments: list[Shared] | None
    message: Event | None
    previous_message: Event | None
    assistant_thread: AssistantThread | None


class Channel(TypedDict, total=False):
    id: str
    created: int


class Named(TypedDict, total=False):
    id: str
    name: str | None
    username: str | None


class Container(TypedDict, total=False):
    message_ts: str | None
    thread_ts: str | None
    channel_id: str | None


class Press(TypedDict, total=False):
    """One element of `actions` in a block_actions payload."""

    action_id: str
    block_id: str
    value: str | None
    action_ts: str


class Body(TypedDict, total=False):
    """The body of an event callback, a slash command or an interaction."""

    type: str
    team_id: str | None
    event: Event
    command: str
    text: str | None
    channel_id: str
    user_id: str
    user_name: str | None
    trigger_id: str
    user: Named
    channel: Named | None
    container: Container | None
    message: Event | None
    actions: list[Press] | None


class Profile(TypedDict, total=False):
    display_name: str | None


class Account(TypedDict, total=False):
    """https://docs.slack.dev/reference/objects/user-object"""

    name: str | None
    real_name: str | None
    profile: Profile | None


class Metadata(TypedDict, total=False):
    event_type: str
    event_payload: dict[str, object]


class Block(TypedDict, total=False):
    block_id: str | None


class Posted(TypedDict, total=False):
    """A message of the bot's own, looked at for its metadata or, where it shares files, its blocks."""

    ts: str
    bot_id: str | None
    metadata: Metadata | None
    blocks: list[Block] | None


def read_body(body: Mapping[str, object]) -> Body | None:
    """The body of a delivery; None when it has not the shape that Slack documents."""
    try:
        return msgspec.convert(body, Body)
    except msgspec.ValidationError:
        return None


def read_messages(found: object) -> list[Event]:
    """The `messages` of a history; those with another shape are left out."""
    return [message for item in _items(found) if (message := _convert_event(item)) is not None]


def read_channels(found: object) -> list[Channel]:
    """The `channels` of a list; those with another shape are left out."""
    channels: list[Channel] = []
    for item in _items(found):
        try:
            channels.append(msgspec.convert(item, Channel))
        except msgspec.ValidationError:
            continue
    return channels


def read_posted(found: object) -> list[Posted]:
    """The same, for finding one's own."""
    posted: list[Posted] = []
    for item in _items(found):
        try:
            posted.append(msgspec.convert(item, Posted))
        except msgspec.ValidationError:
            continue
    return posted


def read_file(found: object) -> File:
    """A file object; raises msgspec.ValidationError."""
    return msgspec.convert(found, File)


def read_user(found: object) -> Account:
    """A user object; an empty one for what is none."""
    try:
        return msgspec.convert(found, Account)
    except msgspec.ValidationError:
        return Account()


def _items(found: object) -> list[object]:
    try:
        return msgspec.convert(found, list[object])
    except msgspec.ValidationError:
        return []


def _convert_event(item: object) -> Event | None:
    try:
        return msgspec.convert(item, Event)
    except msgspec.ValidationError:
        return None
