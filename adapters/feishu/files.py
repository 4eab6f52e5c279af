"""Files in and out: downloaded together with their message, uploaded before the message that shows them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import BinaryIO, Literal

import aiohttp

from adapters.feishu.api import Api, translate
from adapters.feishu.wire import Json
from botkit.errors import Gone, NotAllowed, TooLong, Unreachable
from botkit.model import Attachment

LARGEST = 100 * 1024 * 1024
"""Bytes that Feishu gives out; also a last line of defence."""
MOST, MOST_IMAGE = 30 * 1024 * 1024, 10 * 1024 * 1024
"""Bytes that Feishu takes in."""
CHUNK = 64 * 1024

_IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM")
# Sound and film go as plain files: their own message types want a duration and a cover.
_TYPES = {
    ".pdf": "pdf",
    **{".doc": "doc", ".docx": "doc", ".xls": "xls", ".xlsx": "xls", ".ppt": "ppt", ".pptx": "ppt"},
}


async def download(api: Api, attachment: Attachment, into: Path) -> Path:
    """Write a file's bytes to `into`, which must not exist. Raises `AdapterError`s and FileExistsError."""
    message, _, rest = attachment.id.partition("/")
    kind, _, key = rest.partition("/")
    if not (message and key):
        raise Gone(f"{attachment.name}: not a file of Feishu's", code="234003")
    try:
        path = "/open-apis/im/v1/messages/{}/resources/{}"
        async with api.opened(path, message, key, query={"type": kind}) as response:
            await _save(response, into)
    except (aiohttp.ClientError, TimeoutError) as problem:
        raise translate(problem, "file download") from problem
    return into


async def upload(api: Api, path: Path, name: str) -> tuple[Literal["image", "file"], Json]:
    """Hand a file to Feishu; returns the type and the content of the message that shows it. Raises AdapterErrors."""
    try:
        data = await asyncio.to_thread(_bytes, path)
    except OSError as problem:
        raise NotAllowed(f"{name} cannot be read: {problem.strerror}", code="unreadable") from problem
    if data.startswith(_IMAGES) and len(data) <= MOST_IMAGE:
        answer = await api.call(
            "POST", "/open-apis/im/v1/images", form={"image_type": "message", "image": (name, data)}
        )
        return "image", {"image_key": _key(answer, "image_key")}
    if not data or len(data) > MOST:
        raise NotAllowed(f"{name}: Feishu takes files of 1 byte to {MOST} bytes", code="234006")
    kind = _TYPES.get(Path(name).suffix.lower(), "stream")
    answer = await api.call(
        "POST", "/open-apis/im/v1/files", form={"file_type": kind, "file_name": name, "file": (name, data)}
    )
    return "file", {"file_key": _key(answer, "file_key")}


def _key(answer: Json, name: str) -> str:
    key = answer.get(name)
    if not isinstance(key, str):
        raise Unreachable(f"the upload was not answered with a {name}", acted=False)
    return key


def _bytes(path: Path) -> bytes:
    # O_NOFOLLOW: a link planted where the file was must not choose what is sent.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        return file.read(MOST + 1)


async def _save(response: aiohttp.ClientResponse, into: Path) -> None:
    # O_EXCL and O_NOFOLLOW: a link planted in the upload folder must not choose what is written.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    handle = await asyncio.to_thread(os.open, into, flags, 0o600)
    with os.fdopen(handle, "wb") as target:
        try:
            await _copy(response, target)
        except BaseException:
            await asyncio.to_thread(into.unlink, missing_ok=True)
            raise


async def _copy(response: aiohttp.ClientResponse, target: BinaryIO) -> None:
    size = 0
    async for chunk in response.content.iter_chunked(CHUNK):
        size += len(chunk)
        if size > LARGEST:
            raise TooLong(f"the file is larger than the {LARGEST} bytes that Feishu gives out")
        await asyncio.to_thread(target.write, chunk)
