"""Files that travel inside a request: as data URLs or base64. Nothing is fetched from anywhere."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from adapters.http.adapter import HttpAdapter
from adapters.http.errors import HttpError, invalid, unavailable
from botkit.bot import Bot
from botkit.errors import Refused
from botkit.model import Attachment

log = structlog.get_logger("botkit")

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w.+-]+=[^;,]*)*;base64,", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sent:
    """A file of a request."""

    name: str
    media_type: str
    data: bytes
    field: str
    """Where it stood."""


def of_url(url: str, field: str, *, name: str = "") -> Sent:
    """A file in a data URL. Raises HttpError: other addresses are not fetched."""
    match = _DATA_URL.match(url)
    if match is None:
        raise invalid(field, "only data URLs are taken (data:image/png;base64,…); nothing is fetched from elsewhere")
    return of_base64(url[match.end() :], match[1] or "application/octet-stream", field, name=name)


def of_base64(text: str, media_type: str, field: str, *, name: str = "") -> Sent:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise invalid(field, "is not base64") from None
    return Sent(name or f"file{mimetypes.guess_extension(media_type) or ''}", media_type, data, field)


async def held(bot: Bot, adapter: HttpAdapter, files: Sequence[Sent], workdir: str = "") -> tuple[Attachment, ...]:
    """Keep them until the turn fetches them. Raises HttpError."""
    settings = bot.settings
    if len(files) > settings.max_uploads:
        raise invalid(files[settings.max_uploads].field, f"more than {settings.max_uploads} files")
    for file in files:
        if len(file.data) > settings.max_upload:
            message = f"the file has more than {settings.max_upload} bytes"
            raise HttpError(413, "file_too_large", message, field=file.field)
    folder = Path(workdir) if workdir else settings.workdir
    try:
        return tuple([await adapter.hold(folder, file.data, file.name, file.media_type) for file in files])
    except (OSError, Refused) as problem:
        raise unkept(problem, folder) from None


def unkept(problem: OSError | Refused, folder: Path) -> HttpError:
    """The error for files that cannot be written where they belong. The log says where that is."""
    log.error("files_not_kept", folder=str(folder), problem=str(problem))
    return unavailable("the files cannot be kept")
