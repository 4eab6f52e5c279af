"""JSON as platforms write it, for the loopback platforms."""

from __future__ import annotations

import json

import msgspec


def encode(value: object) -> bytes:
    """Half a character (a lone surrogate) is no UTF-8, but as an escape it is JSON, and what platforms deliver."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value)).encode()
