"""Reads JSON in which half a character stands, an escape that platforms deliver now and then."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

_Value = TypeVar("_Value")

_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)", re.DOTALL
)
"""A pair, half a pair, or any other."""
_HALF = len(rb"\ud83d")


def decode(raw: bytes | str, type: type[_Value]) -> _Value:
    """The value, with a question mark for each half. Raises msgspec.DecodeError, also for what has another shape."""
    try:
        return msgspec.json.decode(raw, type=type)
    except msgspec.DecodeError:
        data = raw.encode(errors="replace") if isinstance(raw, str) else raw
        return msgspec.json.decode(_ESCAPE.sub(_mended, data), type=type)


def _mended(escape: re.Match[bytes]) -> bytes:
    return b"?" if len(escape[0]) == _HALF else escape[0]
