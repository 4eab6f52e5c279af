"""Native streaming: chat.startStream, appendStream, stopStream, with the undocumented five-minute life."""

from __future__ import annotations

from adapters.slack.testing.methods.call import Call, Method, names
from adapters.slack.testing.methods.chat import MAX_MARKDOWN, answer, stored_blocks
from adapters.slack.testing.wire import Json, Refusal, string
from adapters.slack.testing.world import Post

STREAM_SECONDS = 300.0
"""Streams die this long after their start, even while active (python-slack-sdk#1859)."""


def _start(call: Call) -> Json:
    channel = call.channel()
    if channel.archived:
        raise Refusal("is_archived")
    if not call.inside(channel):
        raise Refusal("not_in_channel")
    thread = call.thread(channel)
    if channel.kind != "im":
        for name in ("recipient_user_id", "recipient_team_id"):
            call.arguments.text(name, required=f"missing_{name}")
    text = _words(call)
    blocks: list[Json] = [{"type": "markdown", "text": text}] if text else []
    post = Post(channel, call.site.clock.ts(), call.app.bot, text, blocks, thread, app=call.app, streaming=True)
    call.site.streams[(channel.id, post.ts)] = call.site.clock.now()
    call.site.rooms.add(post)
    call.site.statuses.pop((channel.id, thread), None)
    return {"channel": channel.id, "ts": post.ts}


def _append(call: Call) -> Json:
    post = _running(call)
    text = _words(call)
    if not text:
        raise Refusal("no_text")
    post.change(post.text + text, [{"type": "markdown", "text": post.text + text}])
    call.site.record.changed()
    return {"channel": post.channel.id, "ts": post.ts}


def _stop(call: Call) -> Json:
    post = _running(call)
    text = post.text + _words(call)
    added = stored_blocks(call.arguments.objects("blocks", "invalid_blocks_format") or [])
    shown: list[Json] = [{"type": "markdown", "text": text}] if text else []
    post.streaming = False
    del call.site.streams[(post.channel.id, post.ts)]
    call.site.rooms.edit(post, text, shown + added, marked=False)
    return answer(post, [])


def _running(call: Call) -> Post:
    channel = call.channel()
    post = call.post(channel)
    if post.app is not call.app:
        raise Refusal("message_not_owned_by_app")
    begun = call.site.streams.get((channel.id, post.ts))
    if begun is None or call.site.clock.now() - begun > STREAM_SECONDS:
        raise Refusal("message_not_in_streaming_state")
    return post


def _words(call: Call) -> str:
    text = call.arguments.text("markdown_text")
    for chunk in call.arguments.objects("chunks", "invalid_chunks") or []:
        if chunk.get("type") not in ("markdown_text", "task_update", "plan_update", "blocks"):
            raise Refusal("invalid_chunks")
        text += string(chunk.get("text"))
    if len(text) > MAX_MARKDOWN:
        raise Refusal("msg_too_long")
    return text


_LOOK = "thread_ts recipient_user_id recipient_team_id task_display_mode icon_emoji icon_url username"
METHODS = {
    "chat.startStream": Method(_start, 2, names("channel markdown_text chunks " + _LOOK), ("chat:write",)),
    "chat.appendStream": Method(_append, 4, names("channel ts markdown_text chunks"), ("chat:write",)),
    "chat.stopStream": Method(
        _stop, 2, names("channel ts markdown_text chunks blocks metadata session_status"), ("chat:write",)
    ),
}
