"""How journal entries and sessions are written down: JSON that older and newer versions of botkit can both read.

Unknown fields are skipped and missing ones take their defaults, so a version may add fields and be rolled back.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import cast

import msgspec

from botkit.errors import StoreError
from botkit.model import Entry, Session


def _restored(kind: type[object], value: object) -> object:
    """A path is written down as its text."""
    if kind is not Path:
        raise NotImplementedError(f"{kind} cannot be read")
    return Path(cast("str", value))


_entry = msgspec.json.Decoder(Entry, dec_hook=_restored)
_session = msgspec.json.Decoder(Session)


def entry_bytes(entry: Entry) -> bytes:
    """The platform's raw payload is left out: it may be large, may hold secrets, and only its adapter can read it."""
    if entry.message.raw is not None:
        entry = replace(entry, message=replace(entry.message, raw=None))
    return _bytes(entry)


def entry_from(data: bytes) -> Entry:
    """Raises StoreError for bytes that are no entry."""
    try:
        return _entry.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise StoreError(f"a journal entry cannot be read: {problem}") from problem


def session_bytes(session: Session) -> bytes:
    return _bytes(session)


def session_from(data: bytes, conversation: str) -> Session:
    """`conversation` is the binding as the store has it now: another session may have taken the conversation since.

    Raises StoreError for bytes that are no session.
    """
    try:
        return replace(_session.decode(data), conversation=conversation)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise StoreError(f"a session cannot be read: {problem}") from problem


def _bytes(value: Entry | Session) -> bytes:
    try:
        return msgspec.json.encode(value, enc_hook=str)
    except UnicodeEncodeError:
        # Half an emoji (a lone surrogate) is valid in a platform's JSON but not in UTF-8; the message must not be lost.
        return json.dumps(msgspec.to_builtins(value, enc_hook=str), ensure_ascii=False).encode(errors="replace")
