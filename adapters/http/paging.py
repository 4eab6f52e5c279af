"""Where a page begins that follows another: the time and the id of the last row before it, as one text. Pure."""

from __future__ import annotations

from math import isfinite

from adapters.http.errors import invalid

Place = tuple[float, str]
"""Unix seconds and an id."""


def written(at: float, id: str) -> str:
    """As the `next` of a page."""
    return f"{at!r}/{id}"


def place(text: str, field: str) -> Place | None:
    """None for ''. Raises HttpError 400 that names the field."""
    if not text:
        return None
    at, slash, id = text.partition("/")
    try:
        if slash and isfinite(float(at)):
            return float(at), id
    except ValueError:
        pass
    raise invalid(field, "this is no `next` of a page")
