"""Native streaming: chat.startStream, appendStream, stopStream, with the undocumented five-minute life."""

from __future__ import annotations

from adapters.slack.testing.methods.call import Call, Method, names
from adapters.slack.testing.methods.chat import answer, metadata_of, stored_blocks
from adapters.slack.testing.stream import Stream
from adapters.slack.testing.wire import Json, Refusal
from adapters.slack.testing.world import Channel, Post


def _start(call: Call) -> Json:
    channel = call.channel()
    if channel.archived:
        raise Refusal("is_archived")
    if not call.inside(channel):
        raise Refusal("not_in_channel")
    if channel.read_only:
        raise Refusal("restricted_action")
    thread = call.thread(channel)
    if channel.kind == "im" and not thread:
        raise Refusal("invalid_arguments", "[ERROR] missing required field: thread_ts")
    display = call.arguments.text("task_display_mode") or "timeline"
    if display not in ("timeline", "plan"):
        raise Refusal("invalid_arguments", "[ERROR] task_display_mode: no such value")
    stream = Stream(call.site.clock.now(), _recipient(call, channel), display)
    _take(call, stream)
    stream.first = stream.text
    post = Post(channel, call.site.clock.ts(), call.app.bot, stream.text, stream.blocks(), thread, app=call.app)
    post.stream = stream
    call.site.rooms.add(post)
    call.site.statuses.pop((channel.id, thread), None)
    return {"channel": channel.id, "ts": post.ts}


def _recipient(call: Call, channel: Channel) -> str:
    """Outside direct messages a stream is live for one person only, who must be named."""
    if channel.kind == "im":
        return ""
    for name in ("recipient_user_id", "recipient_team_id"):
        call.arguments.text(name, required=f"missing_{name}")
    person = call.person(call.arguments.text("recipient_user_id"))
    if call.arguments.text("recipient_team_id") != person.team.id:
        raise Refusal("invalid_arguments", "[ERROR] recipient_team_id is not the recipient's")
    return person.id


def _append(call: Call) -> Json:
    post, stream = _running(call)
    if not _take(call, stream):
        raise Refusal("no_text")
    post.change(stream.text, stream.blocks())
    call.site.record.changed()
    return {"channel": post.channel.id, "ts": post.ts}


def _stop(call: Call) -> Json:
    post, stream = _running(call)
    added = stored_blocks(call.arguments.objects("blocks", "invalid_blocks_format") or [])
    metadata = metadata_of(call)
    _take(call, stream)
    stream.stop()
    post.stream, post.metadata = None, metadata or post.metadata
    call.site.rooms.edit(post, stream.text, stream.blocks() + added, marked=False)
    return answer(post, [])


def _running(call: Call) -> tuple[Post, Stream]:
    post = call.post(call.channel())
    if post.app is not call.app:
        raise Refusal("message_not_owned_by_app")
    if post.stream is None or post.stream.expired(call.site.clock.now()):
        raise Refusal("message_not_in_streaming_state")
    return post, post.stream


def _take(call: Call, stream: Stream) -> bool:
    """False: the call brought nothing."""
    text = call.arguments.text("markdown_text")
    chunks = call.arguments.objects("chunks", "invalid_chunks")
    if chunks == []:
        raise Refusal("invalid_chunks", "[ERROR] must contain at least one chunk")
    for sloppy in stream.take(text, chunks or []):
        call.violation(sloppy)
    return bool(text or chunks)


_LOOK = "thread_ts recipient_user_id recipient_team_id task_display_mode icon_emoji icon_url username"
METHODS = {
    "chat.startStream": Method(_start, 2, names("channel markdown_text chunks " + _LOOK), ("chat:write",)),
    "chat.appendStream": Method(_append, 4, names("channel ts markdown_text chunks"), ("chat:write",)),
    "chat.stopStream": Method(
        _stop, 2, names("channel ts markdown_text chunks blocks metadata session_status"), ("chat:write",)
    ),
}
