"""Signs and windows: reactions, the working status of a thread, modals."""

from __future__ import annotations

import re
import time

from adapters.slack.testing.methods.call import TS, Call, Method, names
from adapters.slack.testing.site import STATUS_SECONDS, TRIGGER_SECONDS, Status
from adapters.slack.testing.wire import Json, Refusal, is_sequence, strings
from adapters.slack.testing.world import Post

_EMOJI = re.compile(r"[a-z0-9_+'\-]+(?:::skin-tone-[2-6])?")
MAX_LOADING = 10
NONE: list[object] = []


def _react(call: Call) -> Json:
    post, name = _reaction(call)
    users = post.reactions.setdefault(name, set())
    if call.app.bot.id in users:
        raise Refusal("already_reacted")
    users.add(call.app.bot.id)
    call.site.record.changed()
    return {}


def _unreact(call: Call) -> Json:
    post, name = _reaction(call)
    users = post.reactions.get(name, set())
    if call.app.bot.id not in users:
        raise Refusal("no_reaction")
    users.discard(call.app.bot.id)
    if not users:
        del post.reactions[name]
    call.site.record.changed()
    return {}


def _reaction(call: Call) -> tuple[Post, str]:
    name = call.arguments.text("name", required="invalid_name")
    if not _EMOJI.fullmatch(name):
        raise Refusal("invalid_name")
    channel = call.channel()
    if channel.archived:
        raise Refusal("is_archived")
    if not call.arguments.has("timestamp"):
        raise Refusal("no_item_specified")
    if not call.inside(channel):
        raise Refusal("not_in_channel")
    return call.post(channel, "timestamp"), name


def _status(call: Call) -> Json:
    channel = call.channel("channel_id")
    if not call.inside(channel):
        raise Refusal("not_in_channel")
    thread = call.arguments.text("thread_ts", required="invalid_thread_ts")
    parent = channel.posts.get(thread)
    if not TS.fullmatch(thread) or parent is None or parent.deleted:
        raise Refusal("invalid_thread_ts")
    if "status" not in call.arguments.values:
        raise Refusal("invalid_arguments", "[ERROR] missing required field: status")
    loading: object = call.arguments.values.get("loading_messages", NONE)
    if not is_sequence(loading) or len(strings(loading)) != len(loading) or len(loading) > MAX_LOADING:
        raise Refusal("invalid_arguments", "[ERROR] no more than 10 items allowed [json-pointer:/loading_messages]")
    until = call.site.clock.now() + STATUS_SECONDS
    call.site.statuses[(channel.id, thread)] = Status(call.arguments.text("status"), tuple(strings(loading)), until)
    call.site.record.changed()
    return {}


def _open_view(call: Call) -> Json:
    given = call.site.triggers.get(call.arguments.text("trigger_id", required="invalid_arguments"))
    if given is None:
        raise Refusal("invalid_trigger_id")
    if given < 0:
        raise Refusal("exchanged_trigger_id")
    if time.monotonic() - given > TRIGGER_SECONDS:
        raise Refusal("expired_trigger_id")
    view = call.arguments.table("view", "invalid_arguments")
    if not view or view.get("type") != "modal" or "title" not in view or "blocks" not in view:
        raise Refusal("invalid_arguments", "[ERROR] missing required field [json-pointer:/view]")
    call.site.triggers[call.arguments.text("trigger_id")] = -1.0
    return {"view": {**view, "id": call.site.directory.id("V"), "team_id": call.app.team.id, "app_id": call.app.id}}


METHODS = {
    "reactions.add": Method(_react, 3, names("channel name timestamp"), ("reactions:write",)),
    "reactions.remove": Method(_unreact, 2, names("channel name timestamp"), ("reactions:write",)),
    "assistant.threads.setStatus": Method(
        _status,
        4,
        names("channel_id thread_ts status loading_messages icon_emoji icon_url username"),
        ("assistant:write", "chat:write"),
    ),
    "views.open": Method(_open_view, 4, names("trigger_id interactivity_pointer view")),
}
