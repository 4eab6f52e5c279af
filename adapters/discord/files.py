"""Fetches files. Their addresses are signed and expire, so each time the message is asked for the present one."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import aiohttp

from adapters.discord.api import DEADLINE, USER_AGENT, Api, translate
from adapters.discord.wire import Content, File, Written, read
from botkit.errors import Gone, NotAllowed, TooLong, Unreachable
from botkit.model import Attachment

LARGEST = 512 * 1024 * 1024
"""Bytes; a last line of defence, the bot's own `max_upload` is checked before."""
WHOLE = 300.0
"""Seconds for one file."""
CHUNK = 64 * 1024
HOSTS = ("cdn.discordapp.com", "media.discordapp.net")
"""Where Discord keeps files; no token is sent there."""


async def download(api: Api, base_url: str, attachment: Attachment, into: Path) -> Path:
    """Write a file's bytes to `into`, which must not exist. Raises `AdapterError`s and FileExistsError."""
    file = await _present(api, attachment)
    url = file.get("url", "")
    if not trusted(url, base_url):
        raise NotAllowed(f"the file is kept at {urlsplit(url).hostname}, which is not Discord's", code="foreign_host")
    timeout = aiohttp.ClientTimeout(total=WHOLE, sock_connect=DEADLINE, sock_read=DEADLINE)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
            session.get(url, headers={"User-Agent": USER_AGENT}, allow_redirects=False) as response,
        ):
            _check_status(response.status)
            await _save(response, file.get("size", 0), into)
    except (aiohttp.ClientError, TimeoutError) as problem:
        raise translate(problem, "file download") from problem
    return into


def trusted(url: str, base_url: str) -> bool:
    """Whether a file may be fetched from there: Discord's own hosts over TLS, or the very host of `base_url`."""
    here, there = urlsplit(base_url), urlsplit(url)
    if (there.scheme, there.hostname) == (here.scheme, here.hostname):
        return True
    return there.scheme == "https" and there.hostname in HOSTS


async def _present(api: Api, attachment: Attachment) -> File:
    """The file as its message names it now. Raises Gone when the message or the file in it is no longer there."""
    channel, _, rest = attachment.id.partition("/")
    message, _, id = rest.partition("/")
    found = await api.call("GET", "/channels/{}/messages/{}", channel, message)
    written = read(found, Written) or Written()
    forwarded = (one.get("message", Content()) for one in written.get("message_snapshots") or ())
    files: list[File] = [file for holder in (written, *forwarded) for file in holder.get("attachments", ())]
    for file in files:
        if file.get("id") == id:
            return file
    raise Gone(f"{attachment.name}: the message no longer has the file", code="10008")


def _check_status(status: int) -> None:
    match status:
        case 200:
            return
        case 401 | 403 | 404 | 410:
            raise Gone("Discord no longer has the file", code=str(status))
        case _:
            raise Unreachable(f"file download: HTTP {status}", acted=False)


async def _save(response: aiohttp.ClientResponse, said: int, into: Path) -> None:
    # O_EXCL and O_NOFOLLOW: a link planted in the upload folder must not choose what is written.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    handle = await asyncio.to_thread(os.open, into, flags, 0o600)
    with os.fdopen(handle, "wb") as target:
        try:
            await _copy(response, target, min(said or LARGEST, LARGEST))
        except BaseException:
            await asyncio.to_thread(into.unlink, missing_ok=True)
            raise


async def _copy(response: aiohttp.ClientResponse, target: BinaryIO, most: int) -> None:
    size = 0
    async for chunk in response.content.iter_chunked(CHUNK):
        size += len(chunk)
        if size > most:
            raise TooLong(f"the file is larger than the {most} bytes that Discord announced or botkit takes")
        await asyncio.to_thread(target.write, chunk)
