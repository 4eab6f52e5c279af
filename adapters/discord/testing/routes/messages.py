"""Messages: create, edit, delete, read, react to, and typing."""

from __future__ import annotations

from adapters.discord.testing import permissions as bits
from adapters.discord.testing.drafts import read_draft
from adapters.discord.testing.form import Form
from adapters.discord.testing.payloads import system
from adapters.discord.testing.routes.call import Answer, Call, Route
from adapters.discord.testing.routes.posting import change, place
from adapters.discord.testing.wire import Refusal
from adapters.discord.testing.world import Channel, Post


def create(call: Call) -> Answer:
    draft = read_draft(call.fields, call.files)
    call.note_unknown()
    room = call.channel()
    speak = bits.SEND_MESSAGES_IN_THREADS if room.kind == "thread" else bits.SEND_MESSAGES
    room = call.channel(speak, *([bits.ATTACH_FILES] if draft.files else []))
    if room.partner is not None and room.partner.closed:
        raise Refusal(50007)
    if draft.reply_to and not room.allows(call.app, bits.READ_MESSAGE_HISTORY):
        raise Refusal(160002)
    if room.archived and room.locked and not room.allows(call.app, bits.MANAGE_THREADS):
        raise Refusal(50083)
    known = call.site.known(call.app, draft.nonce) if draft.enforce_nonce else None
    if known is not None:
        call.site.deduplicated += 1
        return call.shown(known)
    post = place(call.site, call.app, room, draft)
    call.site.note(call.app, draft.nonce, post)
    return call.shown(post)


def edit(call: Call) -> Answer:
    draft = read_draft(call.fields, call.files)
    call.note_unknown()
    room = call.channel()
    post = call.post(room)
    if post.author is not call.app.bot:
        raise Refusal(50005)
    if system(post):
        raise Refusal(50021)
    _awake(room)
    return call.shown(change(call.site, post, draft))


def delete(call: Call) -> Answer:
    room = call.channel()
    post = call.post(room)
    if post.author is not call.app.bot:
        if room.kind == "dm":
            raise Refusal(50003)
        call.channel(bits.MANAGE_MESSAGES)
    call.site.rooms.remove(post)
    return None


def get(call: Call) -> Answer:
    return call.shown(call.post(call.channel(bits.READ_MESSAGE_HISTORY)))


def listing(call: Call) -> Answer:
    """Newest first. Without the permission to read history there is nothing, and no refusal."""
    room = call.channel()
    limit = call.number("limit", 50, 1, 100)
    given = [name for name in ("around", "before", "after") if name in call.query]
    form = Form()
    if len(given) > 1:
        form.complain((given[1],), "MUTUALLY_EXCLUSIVE", "around, before, and after are mutually exclusive.")
    edge = form.snowflake(call.query[given[0]], (given[0],)) if given else ""
    form.check()
    if not room.allows(call.app, bits.READ_MESSAGE_HISTORY):
        return []
    return [call.shown(post) for post in _page(room.living, given[0] if given else "", int(edge or 0), limit)]


def typing(call: Call) -> Answer:
    room = call.channel()
    call.channel(bits.SEND_MESSAGES_IN_THREADS if room.kind == "thread" else bits.SEND_MESSAGES)
    call.site.rooms.typing(room, call.app.bot, call.site.clock.now())
    return None


def react(call: Call) -> Answer:
    room = call.channel(bits.READ_MESSAGE_HISTORY)
    post, emoji = call.post(room), call.places["emoji"]
    if emoji.isascii():
        raise Refusal(10014)
    if not post.reactions.get(emoji):
        call.channel(bits.ADD_REACTIONS)
    _awake(room)
    call.site.rooms.react(post, call.app.bot, emoji, add=True)
    return None


def unreact(call: Call) -> Answer:
    room = call.channel()
    post, emoji = call.post(room), call.places["emoji"]
    if emoji.isascii():
        raise Refusal(10014)
    _awake(room)
    call.site.rooms.react(post, call.app.bot, emoji, add=False)
    return None


def _awake(room: Channel) -> None:
    """Only sending wakes an archived thread up; nothing but deleting can be done in one."""
    if room.archived:
        raise Refusal(50083)


def _page(posts: list[Post], which: str, edge: int, limit: int) -> list[Post]:
    match which:
        case "before":
            found = [post for post in posts if int(post.id) < edge][-limit:]
        case "after":
            found = [post for post in posts if int(post.id) > edge][:limit]
        case "around":
            middle = sum(1 for post in posts if int(post.id) < edge)
            start = max(0, middle - limit // 2)
            found = posts[start : start + limit]
        case _:
            found = posts[-limit:]
    return found[::-1]


_MESSAGES = "/channels/{channel}/messages"
_MESSAGE = f"{_MESSAGES}/{{message}}"
_REACTION = f"{_MESSAGE}/reactions/{{emoji}}/@me"
_PER = ("channel",)
ROUTES = [
    Route("create_message", "POST", _MESSAGES, create, (5, 5.0), _PER),
    Route("list_messages", "GET", _MESSAGES, listing, (5, 1.0), _PER),
    Route("get_message", "GET", _MESSAGE, get, (5, 1.0), _PER),
    Route("edit_message", "PATCH", _MESSAGE, edit, (5, 5.0), _PER),
    Route("delete_message", "DELETE", _MESSAGE, delete, (5, 1.0), _PER),
    Route("react", "PUT", _REACTION, react, (1, 0.25), _PER),
    Route("unreact", "DELETE", _REACTION, unreact, (1, 0.25), _PER),
    Route("typing", "POST", "/channels/{channel}/typing", typing, (5, 5.0), _PER),
]
