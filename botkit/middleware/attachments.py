"""Fetches what was sent along, under names that can do no harm, so that Claude can read it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from botkit import texts
from botkit.context import Context
from botkit.errors import AdapterError, Refused
from botkit.events import Notice
from botkit.folders import upload_folder
from botkit.model import Attachment, Upload
from botkit.routing import Handler

log = structlog.get_logger("botkit")

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


async def attachments(ctx: Context, handler: Handler) -> None:
    settings, message = ctx.bot.settings, ctx.message
    if ctx.session is None or not message.attachments or ctx.route.urgent:
        await handler(ctx)
        return
    folder = await asyncio.to_thread(upload_folder, Path(ctx.session.workdir), ctx.session.id)
    uploads: list[Upload] = []
    for number, attachment in enumerate(message.attachments):
        if number >= settings.max_uploads:
            await ctx.push(Notice(texts.too_many_files(settings.max_uploads)))
            break
        if attachment.size > settings.max_upload:
            await ctx.push(Notice(texts.file_too_large(attachment.name, settings.max_upload)))
            continue
        upload = await _fetch(ctx, attachment, folder / f"{ctx.turn[:8]}-{number}-{safe_name(attachment.name)}")
        if upload is not None:
            uploads.append(upload)
    ctx.uploads = tuple(uploads)
    try:
        await handler(ctx)
    finally:
        if message.stateless:
            await asyncio.to_thread(_delete, uploads, folder)


def _delete(uploads: Sequence[Upload], folder: Path) -> None:
    """What came, not what Claude sends: that is still on its way."""
    for upload in uploads:
        upload.path.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


async def _fetch(ctx: Context, attachment: Attachment, path: Path) -> Upload | None:
    try:
        if ctx.recovered:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        await ctx.adapter.download(attachment, path)
        return await asyncio.to_thread(_accept, path, attachment, ctx.bot.settings.max_upload)
    except Refused as refusal:
        await ctx.push(Notice(refusal.text))
    except (AdapterError, OSError) as problem:
        log.warning("attachment_failed", name=safe_name(attachment.name), problem=str(problem))
        why = problem.strerror if isinstance(problem, OSError) else ""  # its text says where files lie here
        await ctx.push(Notice(texts.file_failed(attachment.name, why or str(problem))))
    return None


def _accept(path: Path, attachment: Attachment, limit: int) -> Upload:
    """Looks at what has arrived. Raises Refused, and removes it, when it is not what it should be."""
    size, head = path.stat().st_size, _head(path)
    if size > limit:
        path.unlink()
        raise Refused(texts.file_too_large(attachment.name, limit))
    if _login_page(head, attachment):
        path.unlink()
        raise Refused(texts.file_is_login_page(attachment.name))
    return Upload(path, safe_name(attachment.name), media_type(head, attachment.media_type), size)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(512)


def media_type(head: bytes, claimed: str) -> str:
    """What the bytes say; a file that only claims to be an image is not one."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    for magic, found in _MAGIC:
        if head.startswith(magic):
            return found
    return "application/octet-stream" if claimed.startswith("image/") else claimed


def _login_page(head: bytes, attachment: Attachment) -> bool:
    """A platform that wants a login answers with a page and status 200."""
    page = head.lstrip().lower().startswith((b"<!doctype html", b"<html"))
    return page and "html" not in attachment.media_type and not attachment.name.lower().endswith((".html", ".htm"))


def safe_name(name: str) -> str:
    """A file name of plain characters, at most 80 long and 150 bytes, without path, control or leading dot."""
    name = re.sub(r"[^\w.+-]+", "_", name.replace("\\", "/").rsplit("/", 1)[-1]).strip("._")[-80:]
    name = name.encode()[-150:].decode(errors="ignore")
    if not name or _RESERVED.match(name):
        name = f"file_{name}"
    return name
