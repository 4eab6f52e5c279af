"""Sending files in three steps: ask for an address, post the bytes there, say where the file belongs."""

from __future__ import annotations

import mimetypes

from adapters.slack.testing import events
from adapters.slack.testing.methods.call import Call, Method, names
from adapters.slack.testing.methods.chat import stored_blocks
from adapters.slack.testing.site import Upload
from adapters.slack.testing.text import posted
from adapters.slack.testing.wire import Json, Refusal, string
from adapters.slack.testing.world import Channel, Post, SharedFile

MAX_FILE = 1_000_000_000


def _upload_url(call: Call) -> Json:
    name = call.arguments.text("filename", required="invalid_arguments")
    length = call.arguments.number("length", 0)
    if length <= 0:
        raise Refusal("invalid_arguments", "[ERROR] must be greater than 0 [json-pointer:/length]")
    if length > MAX_FILE:
        raise Refusal("file_upload_size_restricted")
    file_id = call.site.directory.id("F")
    call.site.uploads[file_id] = Upload(call.app, name, length)
    return {"upload_url": f"{call.site.origin}/upload/v1/{file_id}", "file_id": file_id}


def _complete(call: Call) -> Json:
    wanted = call.arguments.objects("files", "invalid_arguments")
    if not wanted:
        raise Refusal("invalid_arguments", "[ERROR] missing required field: files")
    uploads = [(string(entry.get("id")), _ready(call, string(entry.get("id")))) for entry in wanted]
    channels = [channel for channel in call.arguments.text("channels").split(",") if channel]
    target = call.arguments.text("channel_id") or (channels[0] if channels else "")
    if len(channels) > 1:
        raise Refusal("posting_to_multiple_channels_not_supported")
    shared: list[SharedFile] = []
    for (file_id, upload), entry in zip(uploads, wanted, strict=True):
        kind = mimetypes.guess_type(upload.name)[0] or "application/octet-stream"
        file = call.site.file(call.app.bot, upload.name, upload.data or b"", kind, file_id=file_id)
        file.title = string(entry.get("title")) or upload.name
        shared.append(file)
    if target:
        _share(call, shared, "channel_id" if call.arguments.has("channel_id") else "channels")
    for file in shared:
        del call.site.uploads[file.id]
    return {"files": [events.file_json(file) for file in shared]}


def _info(call: Call) -> Json:
    file = call.site.directory.files.get(call.arguments.text("file", required="file_not_found"))
    rooms = [] if file is None else [call.site.directory.channels[channel] for channel in sorted(file.channels)]
    if file is None or not (file.owner is call.app.bot or any(call.inside(room) for room in rooms)):
        raise Refusal("file_not_found")
    shares: Json = {}
    for kind, public in (("public", True), ("private", False)):
        found = {room.id: _shares(room, file) for room in rooms if (room.kind == "channel") is public}
        shares |= {kind: found} if found else {}
    return {"file": events.file_json(file) | {"shares": shares}, "comments": []}


def _shares(room: Channel, file: SharedFile) -> list[Json]:
    posts = [post for post in room.posts.values() if file in post.files and not post.deleted]
    return [{"ts": post.ts, **({"thread_ts": post.thread_ts} if post.thread_ts else {})} for post in posts]


def _ready(call: Call, file_id: str) -> Upload:
    upload = call.site.uploads.get(file_id)
    if upload is None or upload.app is not call.app or upload.data is None:
        raise Refusal("file_not_found")
    return upload


def _share(call: Call, files: list[SharedFile], argument: str) -> None:
    """Slack makes the message itself; no method answers with its ts."""
    channel = call.channel(argument)
    if not call.inside(channel):
        raise Refusal("not_in_channel")
    if channel.archived:
        raise Refusal("is_archived")
    comment = posted(call.arguments.text("initial_comment"))
    # Slack ignores them beside a comment, and answers markdown blocks with internal_error (python-slack-sdk#1756).
    blocks = [] if comment else stored_blocks(call.arguments.objects("blocks", "invalid_blocks_format") or [])
    if any(block.get("type") == "markdown" for block in blocks):
        raise Refusal("internal_error")
    post = Post(
        channel,
        call.site.clock.ts(),
        call.app.bot,
        comment,
        blocks,
        thread_ts=call.thread(channel),
        app=call.app,
        files=files,
        subtype="file_share",
    )
    call.site.rooms.add(post)


METHODS = {
    "files.info": Method(_info, 4, names("file cursor limit"), ("files:read",), json=False),
    "files.getUploadURLExternal": Method(
        _upload_url, 4, names("filename length alt_txt snippet_type"), ("files:write",), json=False
    ),
    "files.completeUploadExternal": Method(
        _complete, 4, names("files channel_id channels initial_comment thread_ts blocks"), ("files:write",)
    ),
}
