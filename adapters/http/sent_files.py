"""The files that Claude sends in a turn, as programs see them."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Sequence
from contextlib import suppress

from pydantic import BaseModel, ConfigDict

from botkit.events import FileOffered

INLINE = 8 * 1024 * 1024
"""Bytes of a file that comes inside the answer, where there is no session from which to fetch it."""
UNKNOWN = "application/octet-stream"


class SentFile(BaseModel):
    """A file for whoever asked."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    id: str
    """The same for the same name and content."""
    name: str
    caption: str
    size: int
    """Bytes."""
    media_type: str
    url: str | None = None
    """A path of this gateway, as long as the session's files are kept. For keys with the scope `sessions`."""
    data: str | None = None
    """Base64, of a call without a session; null for a file of more than 8 MiB."""


def sent_files(files: Sequence[FileOffered], *, session: bool = True) -> list[SentFile]:
    """`session`: they can be fetched from their session; else they are read now."""
    return [_shown(file, session=session) for file in files]


def extra(files: Sequence[FileOffered], *, session: bool) -> dict[str, object]:
    """What an answer in somebody else's shape has beside it, under `claude`."""
    told = [file.model_dump(exclude_none=True) for file in sent_files(files, session=session)]
    return {"files": told} if told else {}


def _shown(file: FileOffered, *, session: bool) -> SentFile:
    return SentFile(
        id=file.id,
        name=file.name,
        caption=file.caption,
        size=file.size,
        media_type=mimetypes.guess_type(file.name)[0] or UNKNOWN,
        url=f"/api/sessions/{file.copy.parent.name}/files/{file.copy.name}" if session else None,
        data=None if session else _data(file),
    )


def _data(file: FileOffered) -> str | None:
    with suppress(OSError):
        if file.copy.stat().st_size <= INLINE:
            return base64.b64encode(file.copy.read_bytes()).decode()
    return None
