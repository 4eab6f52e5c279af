"""Files in and out. The bot's token goes to Slack's own hosts only, and a login page is never taken for a file."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

import aiohttp
import msgspec

from adapters.slack.api import DEADLINE, Api, proxy_for, translate
from adapters.slack.wire import File, read_file
from botkit.errors import Gone, NotAllowed, TooLong, Unreachable
from botkit.model import Attachment

LARGEST = 256 * 1024 * 1024
"""Bytes; a last line of defence, the bot's own `max_upload` is checked before."""
WHOLE = 300.0
"""Seconds for one file, either way."""
REDIRECTS = 3
CHUNK = 64 * 1024
SLACK_DOMAINS = ("slack.com", "slack-gov.com")

_LOGIN = (
    "Slack answered with its login page in place of the file: the app lacks the scope files:read; "
    "add it and reinstall the app"
)


async def upload(api: Api, path: Path, name: str) -> str:
    """Hand a file to Slack, not yet visible to anybody; returns its id for files.completeUploadExternal."""
    try:
        data = await asyncio.to_thread(_bytes, path)
    except OSError as problem:
        raise NotAllowed(f"{name} cannot be read: {problem.strerror}", code="unreadable") from problem
    answer = await api.call("files.getUploadURLExternal", filename=name, length=len(data))
    url, id = answer.get("upload_url"), answer.get("file_id")
    if not isinstance(url, str) or not isinstance(id, str):
        raise Unreachable("files.getUploadURLExternal: Slack named no place for the file", acted=False)
    try:
        async with (
            aiohttp.ClientSession(timeout=_timeout()) as session,
            session.post(url, data=BytesIO(data), proxy=proxy_for(url), allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise Unreachable(f"the upload of {name} was refused: HTTP {response.status}", acted=False)
    except (aiohttp.ClientError, TimeoutError, OSError) as problem:
        raise translate(problem, "file upload") from problem
    return id


def _bytes(path: Path) -> bytes:
    # O_NOFOLLOW: a link planted where the file was must not choose what is sent.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        return file.read()


async def download(api: Api, attachment: Attachment, into: Path) -> Path:
    """Write a file's bytes to `into`, which must not exist. Raises `AdapterError`s and FileExistsError."""
    file = await _ask(api, attachment)
    url = file.get("url_private_download") or file.get("url_private")
    if not url:
        raise Gone(f"{attachment.name}: Slack no longer has the file", code="file_deleted")
    try:
        async with aiohttp.ClientSession(timeout=_timeout()) as session, _opened(session, api, url) as response:
            await _save(response, file, into)
    except (aiohttp.ClientError, TimeoutError) as problem:
        raise translate(problem, "file download") from problem
    return into


async def _ask(api: Api, attachment: Attachment) -> File:
    """The file's present address: asked each time, so that it need not be kept and also works after a restart."""
    answer = await api.call("files.info", file=attachment.id)
    try:
        return read_file(answer.get("file"))
    except msgspec.ValidationError as problem:
        raise Unreachable("files.info: not the answer Slack documents", acted=False) from problem


def _timeout() -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=WHOLE, sock_connect=DEADLINE, sock_read=DEADLINE)


def trusted(url: str, api_url: str) -> bool:
    """Whether the bot's token may be sent there: Slack's own hosts over TLS, or the very origin of `api_url`."""
    here, there = urlsplit(api_url), urlsplit(url)
    if (there.scheme, there.netloc) == (here.scheme, here.netloc):
        return True
    host = there.hostname or ""
    return there.scheme == "https" and any(host == name or host.endswith(f".{name}") for name in SLACK_DOMAINS)


@asynccontextmanager
async def _opened(session: aiohttp.ClientSession, api: Api, url: str) -> AsyncGenerator[aiohttp.ClientResponse]:
    """The answer to a GET. Redirects are followed by hand: the token never leaves the host it was meant for."""
    if not trusted(url, api.base_url):
        raise NotAllowed(f"the file is kept at {urlsplit(url).hostname}, which is not Slack's", code="foreign_host")
    headers = {"Authorization": f"Bearer {api.token}"}
    for _ in range(REDIRECTS + 1):
        async with session.get(url, headers=headers, proxy=proxy_for(url), allow_redirects=False) as response:
            if response.status not in (301, 302, 303, 307, 308):
                _check_status(response)
                yield response
                return
            onward = urljoin(url, response.headers.get("Location", ""))
        if urlsplit(onward).netloc != urlsplit(url).netloc or urlsplit(onward).scheme != urlsplit(url).scheme:
            headers = {}
        if not headers and not trusted(onward, api.base_url):
            raise NotAllowed("Slack sent the download to a foreign host", code="foreign_host")
        url = onward
    raise Unreachable("the file's address only leads to other addresses", acted=False)


def _check_status(response: aiohttp.ClientResponse) -> None:
    match response.status:
        case 200:
            return
        case 401 | 403:
            raise NotAllowed(_LOGIN, code="missing_scope")
        case 404 | 410:
            raise Gone("Slack no longer has the file", code="file_deleted")
        case status:
            raise Unreachable(f"file download: HTTP {status}", acted=False)


async def _save(response: aiohttp.ClientResponse, file: File, into: Path) -> None:
    said = file.get("size") or 0
    most = min(said or LARGEST, LARGEST)
    first = await response.content.read(CHUNK)
    if _is_page(response.content_type, first) and (file.get("mimetype") != "text/html" or len(first) != said):
        raise NotAllowed(_LOGIN, code="missing_scope")
    # O_EXCL and O_NOFOLLOW: a link planted in the upload folder must not choose what is written.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    handle = await asyncio.to_thread(os.open, into, flags, 0o600)
    with os.fdopen(handle, "wb") as target:
        try:
            await _copy(response, first, target, most)
        except BaseException:
            await asyncio.to_thread(into.unlink, missing_ok=True)
            raise


async def _copy(response: aiohttp.ClientResponse, first: bytes, target: BinaryIO, most: int) -> None:
    size, chunk = 0, first
    while chunk:
        size += len(chunk)
        if size > most:
            raise TooLong(f"the file is larger than the {most} bytes that Slack announced or botkit takes")
        await asyncio.to_thread(target.write, chunk)
        chunk = await response.content.read(CHUNK)


def _is_page(media_type: str, first: bytes) -> bool:
    """An HTML page, by its type and by its first bytes."""
    start = first.removeprefix(b"\xef\xbb\xbf").lstrip()[:15].lower()
    return media_type == "text/html" or start.startswith((b"<!doctype html", b"<html"))
