"""Posting, editing and deleting messages: chat.*."""

from __future__ import annotations

import secrets

from adapters.slack.testing import events
from adapters.slack.testing.blocks import check_blocks, too_long
from adapters.slack.testing.methods.call import Call, Method, names
from adapters.slack.testing.text import posted
from adapters.slack.testing.wire import Json, Refusal, encode, is_mapping, mapping, mappings
from adapters.slack.testing.world import Channel, Person, Post

MAX_TEXT = 40_000
"""Longer posts are cut off, with a warning."""
MAX_UPDATE = 4_000
"""Longer updates are refused with msg_too_long."""
MAX_MARKDOWN = 12_000
MAX_METADATA = 8_000


def post_message(call: Call) -> Json:
    channel = call.channel(names=True)
    _may_post(call, channel)
    text, blocks = _content(call)
    warnings = ["message_truncated"] if len(text) > MAX_TEXT else []
    customised = call.arguments.text("username") or call.arguments.text("icon_emoji") or call.arguments.text("icon_url")
    if customised:
        call.need("chat:write.customize")
    post = Post(
        channel,
        call.site.clock.ts(),
        call.app.bot,
        text[:MAX_TEXT],
        blocks,
        thread_ts=call.thread(channel),
        app=call.app,
        attachments=call.arguments.objects("attachments", "invalid_attachments") or [],
        metadata=metadata_of(call),
        broadcast=call.arguments.flag("reply_broadcast"),
    )
    call.site.rooms.add(post)
    call.site.statuses.pop((channel.id, post.thread_ts), None)
    return answer(post, warnings)


def _update(call: Call) -> Json:
    channel = call.channel()
    if channel.archived:
        raise Refusal("is_inactive")
    post = call.post(channel)
    if post.app is not call.app:
        raise Refusal("cant_update_message")
    if post.stream is not None:
        if not post.stream.expired(call.site.clock.now()):
            raise Refusal("streaming_state_conflict")
        post.stream = None  # editing is the only way out for a stream that Slack has closed
    if not (call.arguments.has("text") or call.arguments.has("blocks") or call.arguments.has("markdown_text")):
        if not (call.arguments.has("attachments") or call.arguments.has("metadata")):
            raise Refusal("no_text")
        text, blocks = post.text, post.blocks
    else:
        text, blocks = _content(call)
    if len(call.arguments.text("text")) > MAX_UPDATE:
        raise Refusal("msg_too_long")
    if call.arguments.has("metadata"):
        post.metadata = metadata_of(call)
    if call.arguments.has("attachments"):
        post.attachments = call.arguments.objects("attachments", "invalid_attachments") or []
    call.site.rooms.edit(post, text, blocks, marked=not blocks)
    return {**answer(post, []), "text": post.text}


def _delete(call: Call) -> Json:
    channel = call.channel()
    post = call.post(channel)
    if post.app is not call.app or (post.stream and not post.stream.expired(call.site.clock.now())):
        raise Refusal("cant_delete_message")
    call.site.rooms.remove(post)
    return {"channel": channel.id, "ts": post.ts}


def _ephemeral(call: Call) -> Json:
    channel = call.channel()
    _may_post(call, channel)
    person = call.site.directory.people.get(call.arguments.text("user", required="user_not_in_channel"))
    if person is None or person.id not in channel.members:
        raise Refusal("user_not_in_channel")
    text, blocks = _content(call)
    post = whisper(call, channel, person, text[:MAX_TEXT], blocks, call.thread(channel))
    return {"message_ts": post.ts}


def whisper(call: Call, channel: Channel, person: Person, text: str, blocks: list[Json], thread: str) -> Post:
    """A message that only one person sees and that no history keeps."""
    post = Post(channel, call.site.clock.ts(), call.app.bot, text, blocks, thread, app=call.app, only_for=person)
    return call.site.rooms.add(post)


def _permalink(call: Call) -> Json:
    channel = call.channel()
    post = call.post(channel, "message_ts")
    link = f"https://{channel.team.domain}.slack.com/archives/{channel.id}/p{post.ts.replace('.', '')}"
    link += f"?thread_ts={post.thread_ts}&cid={channel.id}" if post.thread_ts else ""
    return {"channel": channel.id, "permalink": link}


def answer(post: Post, warnings: list[str]) -> Json:
    body: Json = {
        "channel": post.channel.id,
        "ts": post.ts,
        "message": events.message(post, metadata=True),
    }
    if warnings:
        body |= {"warning": ",".join(warnings), "response_metadata": {"warnings": warnings}}
    return body


def _may_post(call: Call, channel: Channel) -> None:
    if channel.archived:
        raise Refusal("is_archived")
    if not call.inside(channel) and "chat:write.public" not in call.app.scopes:
        raise Refusal("not_in_channel")
    if channel.read_only:
        raise Refusal("restricted_action")


def _content(call: Call) -> tuple[str, list[Json]]:
    """Text and blocks as Slack stores them. Raises Refusal for what it does not take."""
    text, markdown = call.arguments.text("text"), call.arguments.text("markdown_text")
    blocks: list[Json] = call.arguments.objects("blocks", "invalid_blocks_format") or []
    if markdown and (text or blocks):
        raise Refusal("markdown_text_conflict")
    if len(markdown) > MAX_MARKDOWN:
        raise Refusal("msg_too_long")
    if markdown:
        text = markdown
        blocks.append({"type": "markdown", "text": markdown})
    attached = call.arguments.has("attachments") and call.arguments.objects("attachments", "invalid_attachments")
    if not text.strip() and not blocks and not attached:
        raise Refusal("no_text")
    return posted(text), stored_blocks(blocks)


def stored_blocks(blocks: list[Json]) -> list[Json]:
    """Checked blocks with the ids that Slack adds where there are none."""
    complaints = check_blocks(blocks)
    if complaints:
        raise Refusal("invalid_blocks", *complaints, errors=complaints)
    if too_long(blocks):
        raise Refusal("msg_blocks_too_long")
    return [_stored(block) for block in blocks]


def _stored(block: Json) -> Json:
    kept: Json = {**block, "block_id": block.get("block_id") or secrets.token_urlsafe(4)}
    if "elements" in block and block.get("type") == "actions":
        kept["elements"] = [_element(element) for element in mappings(block["elements"])]
    if is_mapping(block.get("accessory")):
        kept["accessory"] = _element(mapping(block["accessory"]))
    return kept


def _element(element: Json) -> Json:
    kept: Json = {**element, "action_id": element.get("action_id") or secrets.token_urlsafe(4)}
    text = element.get("text")
    if is_mapping(text) and text.get("type") == "plain_text":
        kept["text"] = {"emoji": True, **text}
    return kept


def metadata_of(call: Call) -> Json | None:
    """The call's metadata, checked; None if it has none."""
    metadata = call.arguments.table("metadata", "invalid_metadata_format")
    if not metadata:
        return None
    if not isinstance(metadata.get("event_type"), str) or not is_mapping(metadata.get("event_payload")):
        raise Refusal("invalid_metadata_format")
    if len(encode(metadata)) > MAX_METADATA:
        raise Refusal("metadata_too_large")
    return metadata


_CONTENT = "channel text blocks attachments markdown_text metadata parse link_names as_user "
_LOOK = "thread_ts mrkdwn username icon_emoji icon_url unfurl_links unfurl_media "
METHODS = {
    "chat.postMessage": Method(
        post_message, 0, names(_CONTENT + _LOOK + "reply_broadcast client_msg_id"), ("chat:write",)
    ),
    "chat.update": Method(_update, 3, names(_CONTENT + "ts reply_broadcast file_ids"), ("chat:write",)),
    "chat.delete": Method(_delete, 3, names("channel ts as_user"), ("chat:write",)),
    "chat.postEphemeral": Method(_ephemeral, 4, names(_CONTENT + _LOOK + "user"), ("chat:write",)),
    "chat.getPermalink": Method(_permalink, 4, names("channel message_ts"), json=False),
}
