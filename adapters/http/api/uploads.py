"""`/api/sessions/{id}/files`: what a session was sent, and what Claude sent back."""

from __future__ import annotations

import asyncio
import mimetypes
import os
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
    sent = await _parts(call) if call.request.content_type == "multipart/form-data" else [_whole(call)]
    settings = found.bot.settings
    if len(sent) > settings.max_uploads:
        raise invalid("files", f"more than {settings.max_uploads} files")
    for name, data in sent:
        if len(data) > settings.max_upload:
            message = f"{name[:100]!r} has more than {settings.max_upload} bytes"
            raise HttpError(413, "file_too_large", message, field="files")
    try:
        stored = await asyncio.to_thread(lambda: [_store(found, name, data) for name, data in sent])
    except (OSError, Refused) as problem:
        raise unkept(problem) from None
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
    folder = Path(found.session.workdir) / _folder(found)
    if folder.is_symlink() or not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        files = [entry for entry in entries if entry.is_file(follow_symlinks=False) and not entry.name.startswith(".")]
    return sorted((_shown(found, Path(file.path)) for file in files), key=lambda file: file.name)


def _shown(found: Known, file: Path) -> FileShown:
    stat = file.lstat()
    path = str(_folder(found) / file.name)
    return FileShown(name=file.name, path=path, size=stat.st_size, changed=moment(stat.st_mtime))


def _store(found: Known, name: str, data: bytes) -> FileShown:
    """Under a name that can do no harm, and that nothing else has."""
    workdir = Path(found.session.workdir)
    workdir.mkdir(parents=True, exist_ok=True)
    folder, safe = upload_folder(workdir, found.session.id), safe_name(name)
    for number in range(1, 1000):
        file = folder / (safe if number == 1 else f"{Path(safe).stem}-{number}{Path(safe).suffix}")
        try:
            with file.open("xb") as opened:
                opened.write(data)
        except FileExistsError:
            continue
        return _shown(found, file)
    raise invalid("files", f"there are too many files named {safe}")


def _whole(call: Call) -> tuple[str, bytes]:
    if not call.raw:
        raise invalid("files", "there is no file")
    return call.query(UploadQuery).name, call.raw


async def _parts(call: Call) -> list[tuple[str, bytes]]:
    """The files of a form, which has been read already."""
    # As much as there is: a reader that is too full would hold up the connection, which has nothing more to say.
    content = StreamReader(call.request.protocol, len(call.raw) + 1, loop=asyncio.get_running_loop())
    content.feed_data(call.raw)
    content.feed_eof()
    found: list[tuple[str, bytes]] = []
    try:
        reader = MultipartReader(call.request.headers, content)
        while (part := await reader.next()) is not None:
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
