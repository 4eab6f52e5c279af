"""How journal entries, sessions, keys and so on are written down: JSON that older and newer botkits can both read.

Unknown fields are skipped and missing ones take their defaults, so a version may add fields and be rolled back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Generic, TypeVar, cast

import msgspec
import structlog

from botkit.errors import StoreError
from botkit.model import Entry, Session

T = TypeVar("T")

log = structlog.get_logger("botkit")


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


class Codec(Generic[T]):
    """Values of one dataclass as JSON."""

    def __init__(self, kind: type[T]) -> None:
        self._decoder = msgspec.json.Decoder(kind, dec_hook=_restored)
        self._name = kind.__name__.lower()

    def encode(self, value: T) -> bytes:
        return _bytes(value)

    def decode(self, data: bytes) -> T:
        """Raises StoreError for bytes that are no such value."""
        try:
            return self._decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            raise StoreError(f"a stored {self._name} cannot be read: {problem}") from problem

    def readable(self, rows: Iterable[bytes]) -> list[T]:
        """Those that this version can read; the others stay for the version that wrote them."""
        found: list[T] = []
        for data in rows:
            try:
                found.append(self.decode(data))
            except StoreError as problem:
                log.error("row_unreadable", kind=self._name, problem=str(problem))
        return found


def _bytes(value: object) -> bytes:
    try:
        return msgspec.json.encode(value, enc_hook=str)
    except UnicodeEncodeError:
        # Half an emoji (a lone surrogate) is valid in a platform's JSON but not in UTF-8; the message must not be lost.
        return json.dumps(msgspec.to_builtins(value, enc_hook=str), ensure_ascii=False).encode(errors="replace")
