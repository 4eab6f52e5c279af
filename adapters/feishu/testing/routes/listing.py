"""The history of a chat or a thread, in pages.

https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/im-v1/message/list
"""

from __future__ import annotations

import base64
import binascii

from adapters.feishu.testing.events import message
from adapters.feishu.testing.routes.call import Call, Route
from adapters.feishu.testing.routes.messages import BASE, READ
from adapters.feishu.testing.wire import Json, Refusal, misfit, names
from adapters.feishu.testing.world import Chat, Post

GROUP_HISTORY = "im:message.group_msg"
"""Beside the scopes to read: without it the history of groups is closed."""
_ROOTS_ONLY = {"p2p": "true", "group": "true", "topic": "false"}
"""What a chat leaves out unless told otherwise: of threads in ordinary groups the list has only the root messages."""
SORTS = ("ByCreateTimeAsc", "ByCreateTimeDesc")


def _list(call: Call) -> Json:
    kind = call.asked("container_id_type", one_of=("chat", "thread"))
    container, order = call.asked("container_id"), call.asked("sort_type", one_of=SORTS, default=SORTS[0])
    chat, posts = _container(call, kind, container)
    if chat.kind != "p2p":
        call.need(GROUP_HISTORY)
    if kind == "chat":
        begin, end = _seconds(call, "start_time", 0), _seconds(call, "end_time", 1 << 40)
        posts = [post for post in posts if begin <= post.created // 1000 <= end]
    elif "start_time" in call.query or "end_time" in call.query:
        # Said of threads: "time range is not supported".
        raise Refusal(230001, ext="start_time and end_time are not supported for threads")
    if kind == "chat" and call.query.get("only_thread_root_messages", _ROOTS_ONLY[chat.kind]) == "true":
        posts = [post for post in posts if not post.thread_id or not post.root_id]
    if order == "ByCreateTimeDesc":
        posts = posts[::-1]
    return _page(call, posts)


def _container(call: Call, kind: str, container: str) -> tuple[Chat, list[Post]]:
    directory = call.site.directory
    chat = directory.chats.get(container) if kind == "chat" else directory.find_thread(container)
    if chat is None:
        raise Refusal(230001, ext="invalid container_id")
    call.inside(chat)
    every = sorted(chat.posts.values(), key=lambda post: post.created)
    return chat, every if kind == "chat" else [post for post in every if post.thread_id == container]


def _page(call: Call, posts: list[Post]) -> Json:
    size = call.query.get("page_size", "20")
    if not size.isdigit() or not 1 <= int(size) <= 50:
        raise misfit("page_size", "must be between 1 and 50")
    begin = _offset(call.query.get("page_token", ""), posts)
    shown, rest = posts[begin : begin + int(size)], posts[begin + int(size) :]
    whole = "card_msg_content_type" in call.query
    items = [message(call.site.directory, call.app, post, whole_cards=whole) for post in shown]
    page: Json = {"has_more": bool(rest), "items": items}
    if shown:
        page["page_token"] = base64.urlsafe_b64encode(shown[-1].id.encode()).decode()
    return page


def _offset(token: str, posts: list[Post]) -> int:
    """Tokens name the last message shown, so that new messages move nothing."""
    if not token:
        return 0
    try:
        last = base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Refusal(230001, ext="invalid page_token") from None
    ids = [post.id for post in posts]
    if last not in ids:
        raise Refusal(230001, ext="invalid page_token")
    return ids.index(last) + 1


def _seconds(call: Call, name: str, default: int) -> int:
    value = call.query.get(name, "")
    if not value:
        return default
    if not value.isdigit() or len(value) > 11:
        raise Refusal(230001, ext=f"invalid {name}, it is in seconds")
    return int(value)


ROUTES = (
    Route(
        "im.v1.message.list",
        "GET",
        BASE,
        _list,
        names(
            "container_id_type container_id start_time end_time sort_type page_size page_token "
            "card_msg_content_type only_thread_root_messages with_sender_name user_id_type"
        ),
        READ,
    ),
)
