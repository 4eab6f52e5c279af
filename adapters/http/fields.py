"""Which field of a request is wrong: pydantic's complaints in terms of what was sent. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from adapters.http.errors import HttpError

Path = tuple[str | int, ...]


def wrong_body(error: ValidationError, sent: bytes | str | dict[str, str]) -> HttpError:
    """The first complaint, or where a value may be one thing or another, the one that got furthest into it."""
    found = error.errors(include_url=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        return HttpError(400, "invalid_json", found[0]["msg"])
    body = sent if isinstance(sent, dict) else from_json(sent)
    first, *others = ((_path(each, body), each["msg"]) for each in found)
    path, said = max((first, *(each for each in others if _within(each[0], first[0]))), key=lambda each: len(each[0]))
    return HttpError(400, "invalid_request", said, field=".".join(map(str, path)))


def _path(complaint: ErrorDetails, sent: Any) -> Path:
    """Where it is in what was sent. A location of pydantic's also holds names that it gives to alternatives."""
    found: list[str | int] = []
    location = complaint["loc"]
    for step in location:
        try:
            sent = _inside(sent)[step]
        except (KeyError, IndexError, TypeError):
            continue
        found.append(step)
    if complaint["type"] == "missing":
        found.append(location[-1])
    elif complaint["type"].startswith("union_tag"):  # what says which of several it is, in quotation marks
        found.append(complaint.get("ctx", {})["discriminator"].strip("'"))
    return tuple(found)


def _inside(sent: Any) -> Any:
    """What has parts; the characters of a text are none."""
    return () if isinstance(sent, str) else sent


def _within(path: Path, other: Sequence[str | int]) -> bool:
    return path[: len(other)] == other
