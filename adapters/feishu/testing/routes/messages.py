"""Sending, answering, changing and recalling messages."""

from __future__ import annotations

from adapters.feishu.testing.events import message
from adapters.feishu.testing.routes.call import NOTHING, Call, Route
from adapters.feishu.testing.wire import Json, Refusal, names
from adapters.feishu.testing.world import Chat, Person, Post

SEND = ("im:message", "im:message:send_as_bot", "im:message:send")
READ = ("im:message", "im:message:readonly")
UUID_SECONDS = 3600.0
UPDATE_SECONDS = 14 * 86400
MAX_EDITS = 20
ID_TYPES = ("open_id", "user_id", "union_id", "email", "chat_id")


def _create(call: Call) -> Json:
    kind = call.asked("receive_id_type", one_of=ID_TYPES)
    receiver, msg_type, content = call.text("receive_id"), call.text("msg_type"), call.text("content")
    chat = _chat(call, kind, receiver)
    return _send(call, chat, msg_type, content, None, threaded=False)


def _reply(call: Call) -> Json:
    msg_type, content, threaded = call.text("msg_type"), call.text("content"), call.flag("reply_in_thread")
    post = call.post()
    if post.deleted:
        raise Refusal(230011)
    return _send(call, post.chat, msg_type, content, post, threaded=threaded)


def _send(call: Call, chat: Chat, msg_type: str, content: str, answers: Post | None, *, threaded: bool) -> Json:
    uuid, site = call.text("uuid", most=50, required=False), call.site
    if chat.muted:
        raise Refusal(230018)
    if not call.app.bot_enabled:
        raise Refusal(230006, "Bot ability is not activated.")
    key, now = (call.app.id, uuid), site.clock.now()
    if uuid and key in site.sent and site.sent[key][0] + UUID_SECONDS > now:
        site.deduplicated += 1
        return message(site.directory, call.app, site.sent[key][1])
    draft = site.contents(call.app).draft(msg_type, content)
    site.budgets.chat(call.route, chat.id)
    post = site.rooms.add(chat, call.app, draft, answers, threaded=threaded)
    if uuid:
        post.uuid = uuid
        site.sent[key] = (now, post)
    return message(site.directory, call.app, post)


def _chat(call: Call, kind: str, receiver: str) -> Chat:
    directory = call.site.directory
    if kind == "chat_id":
        chat = directory.chats.get(receiver)
        if chat is None:
            raise Refusal(230001, ext="invalid receive_id")
        return call.inside(chat)
    person = directory.people.get(receiver) or directory.by_user_id(receiver)
    if kind == "open_id":
        found = directory.by_open_id(call.app, receiver)
        if found is None and directory.foreign(call.app, receiver):
            raise Refusal(99992361)
        person = found if isinstance(found, Person) else None
    if person is None:
        raise Refusal(230001, ext="invalid receive_id")
    return directory.direct(person, call.app)


def _get(call: Call) -> Json:
    post, whole = call.post(), "card_msg_content_type" in call.query
    items = [message(call.site.directory, call.app, one, whole_cards=whole) for one in (post, *post.forwards)]
    for inner in items[1:]:
        inner["upper_message_id"] = post.id
    return {"items": items}


def _mine(call: Call) -> Post:
    post = call.post()
    if post.author is not call.app:
        raise Refusal(230071)
    if post.deleted:
        raise Refusal(230011 if call.route.endswith("patch") else 230110)
    return post


def _patch(call: Call) -> Json:
    """Another card in the place of a card: shared before and after, five times a second, within 14 days."""
    content, post = call.text("content"), _mine(call)
    if post.kind != "interactive" or post.card is None:
        raise Refusal(230001, ext="This message is NOT a card.")
    if call.site.clock.wall() - post.created / 1000 > UPDATE_SECONDS:
        raise Refusal(230031)
    if post.card.id:
        # Documented neither way, so that nobody gets used to it here.
        call.violation("patched a message that shows a card entity; entities are changed through CardKit")
        raise Refusal(230099, "Failed to create card content, ext=ErrCode: 300311; ErrMsg: the card is an entity; ")
    draft = call.site.contents(call.app).draft("interactive", content)
    if draft.card is None or draft.card.id:
        raise Refusal(230099, "Failed to create card content, ext=ErrCode: 200621; ErrMsg: parse card json err; ")
    for card in (post.card, draft.card):
        shared = card.config.get("update_multi")
        if shared is False or (shared is None and card.schema != "2.0"):
            raise Refusal(230099, "Failed to create card content, ext=ErrCode: 300302; ErrMsg: update_multi is false; ")
        if shared is None:
            call.violation("update_multi must be declared before and after an update")
    call.site.budgets.message(call.route, post.id)
    if post.card.interacting:
        call.violation("patched while its callback was unanswered: the change is taken back")
        post.card.before_interaction = post.card.before_interaction or post.card.json
    call.site.rooms.change(post, draft)
    return NOTHING


def _update(call: Call) -> Json:
    """Edit a text or rich text, twenty times."""
    msg_type, content, post = call.text("msg_type"), call.text("content"), _mine(call)
    if msg_type not in ("text", "post"):
        raise Refusal(230001, ext="invalid msg_type")
    if post.kind not in ("text", "post"):
        raise Refusal(230054)
    if post.edits >= MAX_EDITS:
        raise Refusal(230072)
    if call.site.clock.wall() - post.created / 1000 > UPDATE_SECONDS:
        raise Refusal(230075)
    draft = call.site.contents(call.app).draft(msg_type, content)
    call.site.budgets.message(call.route, post.id)
    post.kind, post.edits, post.updated = draft.kind, post.edits + 1, call.site.clock.stamp()
    call.site.rooms.change(post, draft)
    return message(call.site.directory, call.app, post)


def _delete(call: Call) -> Json:
    post = call.post()
    if post.author is not call.app:
        raise Refusal(230026, "No permission to recall this message.")
    if post.deleted:
        raise Refusal(230011)
    call.site.rooms.recall(post)
    return NOTHING


BASE = "/open-apis/im/v1/messages"
ROUTES = (
    Route(
        "im.v1.message.create", "POST", BASE, _create, names("receive_id_type receive_id msg_type content uuid"), SEND
    ),
    Route(
        "im.v1.message.reply",
        "POST",
        f"{BASE}/{{message_id}}/reply",
        _reply,
        names("msg_type content reply_in_thread uuid"),
        SEND,
    ),
    Route(
        "im.v1.message.get", "GET", f"{BASE}/{{message_id}}", _get, names("user_id_type card_msg_content_type"), READ
    ),
    Route(
        "im.v1.message.patch",
        "PATCH",
        f"{BASE}/{{message_id}}",
        _patch,
        names("content"),
        ("im:message", "im:message:send_as_bot", "im:message:update"),
    ),
    Route(
        "im.v1.message.update",
        "PUT",
        f"{BASE}/{{message_id}}",
        _update,
        names("msg_type content"),
        ("im:message", "im:message:send_as_bot", "im:message:update"),
    ),
    Route(
        "im.v1.message.delete",
        "DELETE",
        f"{BASE}/{{message_id}}",
        _delete,
        frozenset(),
        ("im:message", "im:message:send_as_bot", "im:message:recall"),
    ),
)
