"""`/api/sessions/{id}/files`: what a session was sent, and what Claude sent back."""

from __future__ import annotations

import asyncio
import mimetypes
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.multipart import BodyPartReader, MultipartReader
from aiohttp.streams import StreamReader
from pydantic import Field

from adapters.http.api.answers import Told, told
from adapters.http.api.inside import Inside
from adapters.http.call import Call
from adapters.http.endpoint import Endpoint
from adapters.http.errors import HttpError, invalid, not_found
from adapters.http.files import unkept
from adapters.http.sessions import Known, known
from adapters.http.wishes import Body
from botkit.errors import Refused
from botkit.folders import FOLDER, UPLOADS, folder_name, upload_folder
from botkit.middleware.attachments import safe_name
from botkit.sheets import moment

RAW = "application/octet-stream"
FIELDS = 20
"""Parts of a form besides its files; they mean nothing."""
_BROKEN = (ValueError, AssertionError, RuntimeError, LookupError, web.RequestPayloadError, HttpProcessingError)
"""What aiohttp raises for a form that is none."""


class UploadQuery(Body):
    """Of a file that is the whole body of the request."""

    name: Annotated[str, Field(max_length=200)] = "file"


class FileShown(Told):
    """A file of the session."""

    name: str
    """By which a message names it."""
    path: str
    """Relative to the session's folder, for `tools/read`."""
    size: int
    """Bytes."""
    changed: str


class Files(Told):
    """By name."""

    data: list[FileShown]


async def page(call: Call) -> web.StreamResponse:
    found = await known(call, call.part("id"))
    return told(Files(data=await asyncio.to_thread(_listed, found)))


async def download(call: Call) -> web.StreamResponse:
    found = await known(call, call.part("id"))
    name = call.part("name")
    data = await read_upload(found, name, field="name")
    headers = {
        # Whatever it says it is: a browser saves it, and runs nothing of it in this origin.
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox",
    }
    return web.Response(body=data, headers=headers, content_type=mimetypes.guess_type(name)[0] or RAW)


async def upload(call: Call) -> web.StreamResponse:
    """As multipart/form-data with any number of files, or one as the body itself."""
    found = await known(call, call.part("id"))
    settings = found.bot.settings
    form = call.request.content_type == "multipart/form-data"
    sent = await _parts(call, settings.max_uploads) if form else [_whole(call)]
    for name, data in sent:
        if len(data) > settings.max_upload:
            message = f"{name[:100]!r} has more than {settings.max_upload} bytes"
            raise HttpError(413, "file_too_large", message, field="files")
    try:
        stored = await asyncio.to_thread(lambda: [_store(found, name, data) for name, data in sent])
    except (OSError, Refused) as problem:
        raise unkept(problem, Path(found.session.workdir)) from None
    return told(Files(data=stored), status=201)


async def read_upload(found: Known, name: str, *, field: str) -> bytes:
    """The bytes of a file of the session. Raises HttpError 404."""
    if not name or name != Path(name).name or name.startswith("."):
        raise not_found("file", field=field)
    inside, most = Inside(Path(found.session.workdir)), found.bot.settings.max_upload
    return await asyncio.to_thread(inside.read, _folder(found) / name, most=most, field=field)


def _folder(found: Known) -> Path:
    return Path(FOLDER, UPLOADS, folder_name(found.session.id))


def _listed(found: Known) -> list[FileShown]:
    folder = _folder(found)
    return [
        FileShown(name=name, path=str(folder / name), size=stat.st_size, changed=moment(stat.st_mtime))
        for name, stat in Inside(Path(found.session.workdir)).files(folder)
        if not name.startswith(".")
    ]


def _store(found: Known, name: str, data: bytes) -> FileShown:
    """Under a name that can do no harm, and that nothing else has."""
    workdir = Path(found.session.workdir)
    workdir.mkdir(parents=True, exist_ok=True)
    upload_folder(workdir, found.session.id)
    safe, inside = safe_name(name), Inside(workdir)
    for number in range(1, 1000):
        path = _folder(found) / (safe if number == 1 else f"{Path(safe).stem}-{number}{Path(safe).suffix}")
        with suppress(FileExistsError):
            inside.add(path, data)
            return FileShown(name=path.name, path=str(path), size=len(data), changed=moment(time.time()))
    raise invalid("files", f"there are too many files named {safe}")


def _whole(call: Call) -> tuple[str, bytes]:
    if not call.raw:
        raise invalid("files", "there is no file")
    return call.query(UploadQuery).name, call.raw


async def _parts(call: Call, most: int) -> list[tuple[str, bytes]]:
    """The files of a form, which has been read already. Raises HttpError 400, also for more than `most`."""
    # As much as there is: a reader that is too full would hold up the connection, which has nothing more to say.
    content = StreamReader(call.request.protocol, len(call.raw) + 1, loop=asyncio.get_running_loop())
    content.feed_data(call.raw)
    content.feed_eof()
    found: list[tuple[str, bytes]] = []
    parts = 0
    try:
        reader = MultipartReader(call.request.headers, content)
        while (part := await reader.next()) is not None:
            parts += 1
            if len(found) == most or parts > most + FIELDS:  # each takes its time, and nobody has any meanwhile
                raise invalid("files", f"more than {most} files")
            if not isinstance(part, BodyPartReader):
                raise ValueError("a form in a form")
            if part.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise ValueError("a few packed bytes may be gigabytes")
            data = bytes(await part.read(decode=True))
            if part.filename is not None:
                found.append((part.filename, data))
    except _BROKEN:
        raise invalid("files", "is no form with files") from None
    if not found:
        raise invalid("files", "there is no file in the form")
    return found


_ALL = "/api/sessions/{id}/files"
ENDPOINTS = (
    Endpoint("GET", _ALL, page, "Files that were sent, both ways", "sessions", answer=Files),
    Endpoint("GET", f"{_ALL}/{{name}}", download, "One of them", "sessions", media=RAW),
    Endpoint(
        "POST",
        f"{_ALL}/upload",
        upload,
        "Send files: as a form, or one as the body",
        "sessions",
        query=UploadQuery,
        answer=Files,
        status=201,
        takes=("multipart/form-data", RAW),
    ),
)
