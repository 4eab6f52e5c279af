"""Channels and threads: read, start, archive, join, delete."""

from __future__ import annotations

from adapters.discord.testing import payloads
from adapters.discord.testing import permissions as bits
from adapters.discord.testing.form import Form
from adapters.discord.testing.payloads import system
from adapters.discord.testing.routes.call import Answer, Call, Route
from adapters.discord.testing.wire import Json, Refusal, is_number, string
from adapters.discord.testing.world import Channel

DURATIONS = frozenset({60, 1440, 4320, 10080})
"""Minutes after which a thread may archive itself."""
MAX_NAME = 100


def get(call: Call) -> Answer:
    return payloads.channel(call.channel(), call.app)


def from_message(call: Call) -> Answer:
    """A thread of one message; there can be only one."""
    room = _parent(call, bits.CREATE_PUBLIC_THREADS, bits.READ_MESSAGE_HISTORY)
    name, minutes = _named(call)
    post = call.post(room)
    if post.thread is not None:
        raise Refusal(160004)
    if system(post):
        raise Refusal(50068)
    return payloads.channel(call.site.rooms.thread(room, call.app.bot, name, post, minutes), call.app)


def without_message(call: Call) -> Answer:
    room = _parent(call, bits.CREATE_PUBLIC_THREADS)
    name, minutes = _named(call)
    form = Form()
    form.choice(call.fields.get("type", 11), ("type",), {11})
    form.check()
    return payloads.channel(call.site.rooms.thread(room, call.app.bot, name, None, minutes), call.app)


def change(call: Call) -> Answer:
    """Name, archive, lock or wake a thread; other channels are not the bot's to change."""
    thread = _thread(call)
    archived, locked, name = (call.fields.get(key) for key in ("archived", "locked", "name"))
    mine, may = thread.owner is call.app.bot, thread.allows(call.app, bits.MANAGE_THREADS)
    waking = archived is False and call.fields.keys() == {"archived"}
    if not may and (locked is not None or (thread.locked and not mine) or not (mine or waking)):
        raise Refusal(50013)
    if thread.archived and archived is not False:
        raise Refusal(50083)
    form = Form()
    if name is not None:
        form.text(name, ("name",), MAX_NAME, least=1)
    if "auto_archive_duration" in call.fields:
        thread.auto_archive = form.choice(call.fields["auto_archive_duration"], ("auto_archive_duration",), DURATIONS)
    form.check()
    call.site.rooms.change_thread(
        thread,
        archived=archived if isinstance(archived, bool) else None,
        locked=locked if isinstance(locked, bool) else None,
        name=string(name),
    )
    return payloads.channel(thread, call.app)


def delete(call: Call) -> Answer:
    thread = _thread(call)
    call.channel(bits.MANAGE_THREADS)
    call.site.rooms.remove_channel(thread)
    return payloads.channel(thread, call.app)


def join(call: Call) -> Answer:
    thread = _thread(call)
    if thread.archived:
        raise Refusal(50083)
    thread.joined.add(call.app.bot.id)
    return None


def active(call: Call) -> Answer:
    guild = call.site.directory.guilds.get(call.places["guild"])
    if guild is None or call.app.bot.id not in guild.people:
        raise Refusal(10004)
    found = [room for room in call.site.directory.threads(guild) if not room.archived and room.allows(call.app, 0)]
    members: list[Json] = [
        payloads.thread_member(room, call.app.bot) for room in found if call.app.bot.id in room.joined
    ]
    return {"threads": [payloads.channel(room, call.app) for room in found], "members": members}


def archived(call: Call) -> Answer:
    room = _parent(call, bits.READ_MESSAGE_HISTORY)
    found = [thread for thread in call.site.directory.threads(room) if thread.archived]
    return {"threads": [payloads.channel(one, call.app) for one in found], "members": [], "has_more": False}


def _parent(call: Call, *permissions: int) -> Channel:
    """A channel that can have threads."""
    room = call.channel()
    if room.kind != "text":
        raise Refusal(50024)
    return call.channel(*permissions)


def _thread(call: Call) -> Channel:
    room = call.channel()
    if room.kind == "dm":
        raise Refusal(50024)
    if room.kind == "text":
        raise Refusal(50013)
    return room


def _named(call: Call) -> tuple[str, int]:
    form = Form()
    name = form.text(call.fields.get("name"), ("name",), MAX_NAME, least=1)
    minutes = call.fields.get("auto_archive_duration")
    if minutes is not None:
        minutes = form.choice(minutes, ("auto_archive_duration",), DURATIONS)
    form.check()
    return name, minutes if is_number(minutes) else 1440


_CHANNEL, _PER = "/channels/{channel}", ("channel",)
ROUTES = [
    Route("get_channel", "GET", _CHANNEL, get, (10, 5.0), _PER),
    Route("edit_channel", "PATCH", _CHANNEL, change, (10, 15.0), _PER),
    Route("delete_channel", "DELETE", _CHANNEL, delete, (10, 15.0), _PER),
    Route("start_thread", "POST", f"{_CHANNEL}/messages/{{message}}/threads", from_message, (50, 300.0), _PER),
    Route("start_loose_thread", "POST", f"{_CHANNEL}/threads", without_message, (50, 300.0), _PER),
    Route("join_thread", "PUT", f"{_CHANNEL}/thread-members/@me", join, (50, 300.0), _PER),
    Route("archived_threads", "GET", f"{_CHANNEL}/threads/archived/public", archived, (5, 1.0), _PER),
    Route("active_threads", "GET", "/guilds/{guild}/threads/active", active, (5, 1.0), ("guild",)),
]
