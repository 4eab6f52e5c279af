"""Answers as JSON."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from botkit.redact import Redactor

Limit = Annotated[int, Field(ge=1, le=100)]
"""Rows of a page."""


class Told(BaseModel):
    """An object of an answer."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


def told(body: BaseModel, *, status: int = 200, hide: Redactor | None = None) -> web.Response:
    """An answer. `hide`: what is not to be seen in one that holds what lies in a folder or was said."""
    data = body.model_dump_json().encode()
    if hide is not None and not hide.idle:
        data = hide.redact(data.decode()).encode()
    return web.Response(status=status, body=data, content_type="application/json")
