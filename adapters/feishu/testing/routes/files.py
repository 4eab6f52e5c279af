"""Images and files: uploading, and downloading what is in a message."""

from __future__ import annotations

from adapters.feishu.testing.reading import spans
from adapters.feishu.testing.routes.call import Call, Download, Route
from adapters.feishu.testing.wire import Json, Refusal, decoded, names, string
from adapters.feishu.testing.wire import mapping as table
from adapters.feishu.testing.world import Post, Resource

UPLOAD = ("im:resource", "im:resource:upload")
DOWNLOAD = ("im:message", "im:message:readonly", "im:message.history:readonly")
IMAGE_BYTES, FILE_BYTES, DOWNLOAD_BYTES = 10 * 2**20, 30 * 2**20, 100 * 2**20
FILE_TYPES = names("opus mp4 pdf doc xls ppt stream")
_SIGNATURES = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"GIF8",
    b"BM",
    b"RIFF",
    b"II*\x00",
    b"MM\x00*",
    b"\x00\x00\x01\x00",
)


def _image(call: Call) -> Json:
    if call.text("image_type") not in ("message", "avatar"):
        raise Refusal(234001)
    _, data = _part(call, "image", IMAGE_BYTES)
    if not data.startswith(_SIGNATURES) and data[4:12] not in (b"ftypheic", b"ftypmif1"):
        raise Refusal(234011)
    return {"image_key": call.site.resource(call.app, "image", data).key}


def _file(call: Call) -> Json:
    file_type, name = call.text("file_type"), call.text("file_name")
    if file_type not in FILE_TYPES:
        raise Refusal(234001)
    duration = call.text("duration", required=False) or "0"
    if not duration.isdigit():
        raise Refusal(234001)
    _, data = _part(call, "file", FILE_BYTES)
    return {"file_key": call.site.resource(call.app, name, data, file_type, int(duration)).key}


def _part(call: Call, name: str, most: int) -> tuple[str, bytes]:
    if name not in call.files:
        raise Refusal(234001)
    filename, data = call.files[name]
    if not data:
        raise Refusal(234010)
    if len(data) > most:
        raise Refusal(234006)
    return filename, data


def _resource(call: Call) -> Download:
    """What a person sent, or the app itself, in a message of a chat it is in."""
    kind = call.asked("type", one_of=("image", "file"))
    post = call.site.directory.find_post(call.path["message_id"])
    if post is None or post.deleted:
        raise Refusal(234001)
    if call.app.id not in post.chat.apps:
        raise Refusal(234004)
    if post.kind == "interactive":
        raise Refusal(234043)
    resource = call.site.directory.resources.get(call.path["file_key"])
    if resource is None or resource.key not in _keys(post) or (resource.kind == "image") != (kind == "image"):
        raise Refusal(234003)
    if len(resource.data) > DOWNLOAD_BYTES:
        raise Refusal(234037)
    return Download(resource.data, resource.name, _media_type(resource))


def _keys(post: Post) -> set[str]:
    content = table(decoded(post.content))
    every = [content, *spans(content)] if post.kind == "post" else [content]
    return {string(one.get(name)) for one in every for name in ("image_key", "file_key")} - {""}


def _media_type(resource: Resource) -> str:
    if resource.kind == "image":
        return "image/png" if resource.data.startswith(_SIGNATURES[0]) else "image/jpeg"
    return "application/octet-stream"


ROUTES = (
    Route("im.v1.image.create", "POST", "/open-apis/im/v1/images", _image, names("image_type image"), UPLOAD, True),
    Route(
        "im.v1.file.create",
        "POST",
        "/open-apis/im/v1/files",
        _file,
        names("file_type file_name duration file"),
        UPLOAD,
        True,
    ),
    Route(
        "im.v1.message_resource.get",
        "GET",
        "/open-apis/im/v1/messages/{message_id}/resources/{file_key}",
        _resource,
        names("type"),
        DOWNLOAD,
    ),
)
