"""The events Feishu sends, and the shape its API gives messages.

https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/im-v1/message/events/receive
"""

from __future__ import annotations

from adapters.feishu.testing.cards import read
from adapters.feishu.testing.directory import Directory
from adapters.feishu.testing.reading import names_for
from adapters.feishu.testing.wire import Json, compact, mapping, string
from adapters.feishu.testing.world import TENANT, App, Chat, Person, Post, Speaker

_CHAT_TYPES = {"p2p": "p2p", "group": "group", "topic": "topic_group"}
EMPLOYEE_ID = "contact:user.employee_id:readonly"
"""Without this scope user ids are left out."""


def ids(directory: Directory, app: App, who: Speaker) -> Json:
    """The three ids of somebody; what an app may not see is null."""
    person = who if isinstance(who, Person) else None
    return {
        "union_id": person.union_id if person else None,
        "user_id": person.user_id if person and EMPLOYEE_ID in app.scopes else None,
        "open_id": directory.open_id(app, who),
    }


def received(directory: Directory, app: App, post: Post) -> Json:
    """`im.message.receive_v1`."""
    message: Json = {"message_id": post.id}
    message |= _relations(post)
    message |= {
        "create_time": str(post.created),
        "update_time": str(post.updated or post.created),
        "chat_id": post.chat.id,
        "chat_type": _CHAT_TYPES[post.chat.kind],
        "message_type": post.kind,
        "content": post.content,
        "user_agent": "Mozilla/5.0",
    }
    if post.mentions:
        message["mentions"] = [
            {
                "key": f"@_user_{number}",
                "id": ids(directory, app, who),
                "mentioned_type": "bot" if isinstance(who, App) else "user",
                "name": who.name,
                "tenant_key": TENANT,
            }
            for number, who in enumerate(post.mentions, 1)
        ]
    sender: Json = {"sender_id": ids(directory, app, post.author), "sender_type": "user", "tenant_key": TENANT}
    return {"sender": sender, "message": message}


def recalled(post: Post, stamp: int, by: str) -> Json:
    """`im.message.recalled_v1`; `by` is "message_owner", "group_owner", …"""
    return {"message_id": post.id, "chat_id": post.chat.id, "recall_time": str(stamp), "recall_type": by}


def bot_moved(directory: Directory, app: App, chat: Chat, who: Person) -> Json:
    """`im.chat.member.bot.added_v1` and `…deleted_v1`."""
    operator = ids(directory, app, who)
    moved: Json = {"chat_id": chat.id, "operator_id": operator, "external": False}
    return moved | {"operator_tenant_key": TENANT, "name": chat.name, "i18n_names": None}


def pressed(directory: Directory, app: App, post: Post, who: Person, action: Json, token: str) -> Json:
    """`card.action.trigger`."""
    return {
        "operator": {"tenant_key": TENANT, **ids(directory, app, who)},
        "token": token,
        "action": action,
        "host": "im_message",
        "context": {"open_message_id": post.id, "open_chat_id": post.chat.id},
    }


def message(directory: Directory, app: App, post: Post, *, whole_cards: bool = False) -> Json:
    """A message as the API answers it."""
    sender: Json = {"id": directory.open_id(app, post.author), "id_type": "open_id", "sender_type": "user"}
    if isinstance(post.author, App):
        sender = {"id": post.author.id, "id_type": "app_id", "sender_type": "app"}
    body: Json = {"message_id": post.id}
    body |= _relations(post)
    body |= {
        "msg_type": post.kind,
        "create_time": str(post.created),
        "update_time": str(post.updated or post.created),
        "deleted": post.deleted,
        "updated": post.updated > 0,
        "chat_id": post.chat.id,
        "sender": {**sender, "tenant_key": TENANT},
        "body": {"content": _content(directory, post, whole=whole_cards)},
    }
    if post.mentions:
        body["mentions"] = [
            {
                "key": f"@_user_{number}",
                "id": directory.open_id(app, who),
                "id_type": "open_id",
                "name": who.name,
                "tenant_key": TENANT,
            }
            for number, who in enumerate(post.mentions, 1)
        ]
    return body


def _content(directory: Directory, post: Post, *, whole: bool) -> str:
    """The content read back; a card only in a reduced form unless asked for otherwise."""
    if post.deleted:
        return "This message was recalled"
    if post.card is None:
        return post.content
    if whole:
        return compact(post.card.json)
    title = string(mapping(mapping(post.card.json.get("header")).get("title")).get("content")) or None
    lines = read(post.card.json, names_for(directory, post.card.app)).split("\n")
    return compact({"title": title, "elements": [[{"tag": "text", "text": line}] for line in lines]})


def _relations(post: Post) -> Json:
    related = {"root_id": post.root_id, "parent_id": post.parent_id, "thread_id": post.thread_id}
    return {name: value for name, value in related.items() if value}
