"""Chats: what they are, and who is in them."""

from __future__ import annotations

from adapters.feishu.testing.routes.call import Call, Route
from adapters.feishu.testing.wire import Json, Refusal, misfit, names
from adapters.feishu.testing.world import TENANT, Chat

READ = ("im:chat", "im:chat:readonly", "im:chat:read", "im:chat.group_info:readonly")
MEMBERS = ("im:chat", "im:chat:readonly", "im:chat.members:read", "im:chat.group_info:readonly")


def _get(call: Call) -> Json:
    chat = _chat(call)
    mode = {"p2p": "p2p", "group": "group", "topic": "topic"}[chat.kind]
    return {
        "name": chat.name,
        "description": "",
        "chat_mode": mode,
        "chat_type": "private",
        "group_message_type": "thread" if chat.kind == "topic" else "chat",
        "external": False,
        "tenant_key": TENANT,
        "user_count": str(len(chat.people)),
        "bot_count": str(len(chat.apps)),
        "chat_status": "dissolved" if chat.dissolved else "normal",
    }


def _members(call: Call) -> Json:
    """People only: bots are left out, as Feishu leaves them out."""
    chat, kind = _chat(call), call.asked("member_id_type", default="open_id")
    if kind not in ("open_id", "union_id", "user_id"):
        raise misfit("member_id_type", "options: [user_id,union_id,open_id]")
    directory = call.site.directory
    people = [directory.people[mark] for mark in sorted(chat.people)]
    items: list[Json] = []
    for person in people:
        ids = {"open_id": directory.open_id(call.app, person), "union_id": person.union_id, "user_id": person.user_id}
        items.append({"member_id_type": kind, "member_id": ids[kind], "name": person.name, "tenant_key": TENANT})
    size = int(call.query.get("page_size", "20"))
    begin = int(call.query.get("page_token", "") or 0)
    rest = len(items) > begin + size
    page: Json = {"items": items[begin : begin + size], "has_more": rest, "member_total": len(items)}
    return page | {"page_token": str(begin + size) if rest else ""}


def _chats(call: Call) -> Json:
    """The groups the app is in; never its chats with one person."""
    order = call.asked("sort_type", one_of=("ByCreateTimeAsc", "ByActiveTimeDesc"), default="ByCreateTimeAsc")
    size = call.query.get("page_size", "20")
    if not size.isdigit() or not 1 <= int(size) <= 100:
        raise misfit("page_size", "must be between 1 and 100")
    mine = [chat for chat in call.site.directory.chats.values() if call.app.id in chat.apps and chat.kind != "p2p"]
    if order == "ByActiveTimeDesc":
        mine.sort(key=lambda chat: max((post.created for post in chat.posts.values()), default=0), reverse=True)
    begin = int(call.query.get("page_token", "") or 0)
    end = begin + int(size)
    items = [{"chat_id": chat.id, "name": chat.name, "tenant_key": TENANT, "external": False} for chat in mine]
    more = len(items) > end
    return {"items": items[begin:end], "has_more": more, "page_token": str(end) if more else ""}


def _chat(call: Call) -> Chat:
    chat = call.site.directory.chats.get(call.path["chat_id"])
    if chat is None:
        raise Refusal(232006)
    if call.app.id not in chat.apps:
        raise Refusal(232011)
    return chat


ROUTES = (
    Route("im.v1.chat.list", "GET", "/open-apis/im/v1/chats", _chats, names("page_size page_token sort_type"), READ),
    Route("im.v1.chat.get", "GET", "/open-apis/im/v1/chats/{chat_id}", _get, names("user_id_type"), READ),
    Route(
        "im.v1.chat_members.get",
        "GET",
        "/open-apis/im/v1/chats/{chat_id}/members",
        _members,
        names("member_id_type page_size page_token"),
        MEMBERS,
    ),
)
