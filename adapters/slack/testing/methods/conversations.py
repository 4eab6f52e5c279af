"""Reading channels and threads, page by page: conversations.*."""

from __future__ import annotations

import base64
import binascii

from adapters.slack.testing import events
from adapters.slack.testing.methods.call import READ, TS, Call, Method, names
from adapters.slack.testing.wire import Json, Refusal
from adapters.slack.testing.world import Channel, Post

MAX_PAGE = 1000


def _replies(call: Call) -> Json:
    channel = call.channel()
    call.history_of(channel)
    wanted = call.arguments.text("ts", required="thread_not_found")
    parent = channel.posts.get(wanted)
    if parent is None or parent.deleted or parent.only_for is not None:
        raise Refusal("thread_not_found")
    if parent.thread_ts:
        return _page(call, [parent], [])
    # Every page begins with the parent again, whatever the cursor or `oldest` says.
    return _page(call, _within(call, channel.replies(parent.ts)), [parent])


def _history(call: Call) -> Json:
    channel = call.channel()
    call.history_of(channel)
    posts = [post for post in channel.posts.values() if _in_channel(post)]
    body = _page(call, _within(call, posts)[::-1], [])
    return body | {"pin_count": 0, "latest": call.arguments.text("latest") or None}


def _in_channel(post: Post) -> bool:
    return not post.deleted and post.only_for is None and (not post.thread_ts or post.broadcast)


def _within(call: Call, posts: list[Post]) -> list[Post]:
    oldest, latest = _bound(call, "oldest") or "0", _bound(call, "latest") or "9"
    if call.arguments.flag("inclusive"):
        return [post for post in posts if oldest <= post.ts <= latest]
    return [post for post in posts if oldest < post.ts < latest]


def _bound(call: Call, name: str) -> str:
    value = call.arguments.text(name)
    if value and not (TS.fullmatch(value) or value.replace(".", "", 1).isdigit()):
        raise Refusal(f"invalid_ts_{name}")
    return value


def _page(call: Call, posts: list[Post], head: list[Post]) -> Json:
    limit = call.arguments.number("limit", 1000 if head else 100)
    if not 0 < limit <= MAX_PAGE:
        raise Refusal("invalid_limit")
    start = _position(call.arguments.text("cursor"))
    room = max(1, limit - len(head))
    page, more = posts[start : start + room], len(posts) > start + room
    metadata = call.arguments.flag("include_all_metadata")
    body: Json = {
        "messages": [events.message(post, metadata=metadata) for post in (*head, *page)],
        "has_more": more,
    }
    return body | ({"response_metadata": {"next_cursor": _cursor(start + room)}} if more else {})


def _cursor(position: int) -> str:
    return base64.b64encode(f"next_ts:{position}".encode()).decode()


def _position(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        name, _, position = base64.b64decode(cursor, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Refusal("invalid_cursor") from None
    if name != "next_ts" or not position.isdigit():
        raise Refusal("invalid_cursor")
    return int(position)


def _info(call: Call) -> Json:
    channel = call.channel()
    call.details_of(channel)
    return {"channel": describe(call, channel)}


def _open(call: Call) -> Json:
    known = call.arguments.text("channel")
    if known:
        channel = call.channel()
    else:
        users = call.arguments.text("users", required="users_list_not_supplied").split(",")
        if len(users) > 1:
            raise Refusal("method_not_supported_for_channel_type")
        channel = call.direct(users[0])
    body = describe(call, channel) if call.arguments.flag("return_im") else {"id": channel.id}
    return {"channel": body, "no_op": True, "already_open": True}


def _mine(call: Call) -> Json:
    """users.conversations: where the app is a member; each kind asked for wants its own scope."""
    kinds = [_KINDS.get(kind) for kind in (call.arguments.text("types") or "public_channel").split(",")]
    if None in kinds:
        raise Refusal("invalid_types")
    for kind in kinds:
        call.need(READ[kind or ""])
    limit = call.arguments.number("limit", 100)
    if not 0 < limit < MAX_PAGE:
        raise Refusal("invalid_limit")
    archived = not call.arguments.flag("exclude_archived")
    found = [
        channel
        for channel in call.site.directory.channels.values()
        if channel.kind in kinds and channel.team is call.app.team and (archived or not channel.archived)
    ]
    mine = [describe(call, channel) for channel in found if call.inside(channel)]
    start = _position(call.arguments.text("cursor"))
    body: Json = {"channels": mine[start : start + limit]}
    more = len(mine) > start + limit
    return body | {"response_metadata": {"next_cursor": _cursor(start + limit) if more else ""}}


def describe(call: Call, channel: Channel) -> Json:
    body: Json = {
        "id": channel.id,
        "is_channel": channel.kind == "channel",
        "is_group": channel.kind == "group",
        "is_im": channel.kind == "im",
        "is_mpim": channel.kind == "mpim",
        "is_private": channel.kind != "channel",
        "is_archived": channel.archived,
        "created": channel.created,
        "is_member": call.inside(channel),
        "context_team_id": channel.team.id,
    }
    if channel.kind == "im":
        return body | {"user": next(iter(channel.members - {call.app.bot.id}), call.app.bot.id)}
    empty: Json = {"value": "", "creator": "", "last_set": 0}
    return body | {"name": channel.name, "name_normalized": channel.name, "topic": empty, "purpose": empty}


_KINDS = {"public_channel": "channel", "private_channel": "group", "mpim": "mpim", "im": "im"}
_PAGE = "channel cursor inclusive include_all_metadata latest limit oldest"
METHODS = {
    "conversations.replies": Method(_replies, 3, names(_PAGE + " ts"), json=False),
    "conversations.history": Method(_history, 3, names(_PAGE), json=False),
    "conversations.info": Method(_info, 3, names("channel include_locale include_num_members"), json=False),
    "users.conversations": Method(_mine, 3, names("types exclude_archived limit cursor user team_id"), json=False),
    "conversations.open": Method(_open, 3, names("channel users return_im prevent_creation"), ("im:write",)),
}
