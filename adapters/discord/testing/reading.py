"""A request's body, read as strictly as Discord does: JSON, or a form with `payload_json` and `files[n]`."""

from __future__ import annotations

import mimetypes
import re

import msgspec
from aiohttp import BodyPartReader, web

from adapters.discord.testing.drafts import GivenFile
from adapters.discord.testing.wire import Json, Refusal, decode

_FILE = re.compile(r"^files\[(\d+)\]$")


async def read_body(request: web.Request) -> tuple[object, list[GivenFile]]:
    """The body ({} for none) and the files. Raises Refusal for bodies Discord cannot read."""
    if request.content_type == "multipart/form-data":
        return await _form(request)
    raw = await request.read()
    if not raw:
        return {}, []
    if request.content_type != "application/json":
        what = "Expected \"Content-Type\" header to be one of {'application/json', 'multipart/form-data'}."
        misplaced: Json = {"_errors": [{"code": "CONTENT_TYPE_INVALID", "message": what}]}
        raise Refusal(50035, errors=misplaced)
    return _json(raw), []


async def _form(request: web.Request) -> tuple[object, list[GivenFile]]:
    body: object = {}
    files: list[GivenFile] = []
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        name, data = part.name or "", bytes(await part.read())
        if name == "payload_json":
            body = _json(data)
        elif (match := _FILE.match(name)) is not None:
            filename = part.filename or "unknown"
            files.append(
                GivenFile(int(match[1]), filename, _kind(filename, part.headers.get("Content-Type", "")), data)
            )
        else:
            raise Refusal(50035, errors={name: {"_errors": [{"code": "UNKNOWN", "message": "Unknown form field."}]}})
    return body, files


def _kind(name: str, given: str) -> str:
    """Discord looks at the name when the sender says nothing better."""
    if given and given != "application/octet-stream":
        return given.partition(";")[0]
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _json(raw: bytes | bytearray) -> object:
    try:
        return decode(bytes(raw))
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refusal(50109) from None
