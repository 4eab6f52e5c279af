"""Answers as JSON, and pages of a list."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

import msgspec
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from adapters.http.errors import invalid
from botkit.redact import Redactor

Limit = Annotated[int, Field(ge=1, le=100)]


class Told(BaseModel):
    """An object of an answer."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


def told(body: BaseModel | dict[str, object], *, status: int = 200, hide: Redactor | None = None) -> web.Response:
    """An answer. `hide`: what is not to be seen in one that holds what lies in a folder or was said."""
    data = msgspec.json.encode(body) if isinstance(body, dict) else body.model_dump_json().encode()
    if hide is not None and not hide.idle:
        data = hide.redact(data.decode()).encode()
    return web.Response(status=status, body=data, content_type="application/json")


def cursor(at: float, id: str) -> str:
    """Where the next page begins, as a text that is passed back as it is."""
    return base64.urlsafe_b64encode(msgspec.json.encode((at, id))).decode().rstrip("=")


def place(cursor: str) -> tuple[float, str] | None:
    """What `cursor` was made of; None for ''. Raises HttpError 400."""
    if not cursor:
        return None
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(data, type=tuple[float, str])
    except (binascii.Error, ValueError):  # msgspec's errors are ValueErrors
        raise invalid("after", "is no `next` of a page of this list") from None
