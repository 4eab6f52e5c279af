"""What makes an event at the webhook believable: its signature, its age, its encryption, its token. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Literal

import msgspec

from adapters.feishu.sdk import decrypt
from adapters.feishu.wire import Json, read
from botkit import halves

FRESH = 300.0
"""Seconds by which a signature may be off; Feishu itself names no limit."""

Doubt = Literal["unsigned", "stale", "forged", "unreadable", "plaintext", "token"]


class Unbelievable(Exception):
    """Not from Feishu, or not for this app; `why` is for the log."""

    def __init__(self, why: Doubt) -> None:
        self.why: Doubt = why
        super().__init__(why)


def signature(timestamp: str, nonce: str, key: str, body: bytes) -> str:
    """The `X-Lark-Signature` of a raw body: plain SHA-256, not an HMAC, in hexadecimal."""
    return hashlib.sha256(_bytes(f"{timestamp}{nonce}{key}") + body).hexdigest()


def opened(body: bytes, headers: Mapping[str, str], *, key: str, token: str, now: float) -> Json:
    """The event in a delivery. `headers` finds names whatever their case. Raises Unbelievable.

    A `url_verification` is not signed; that it decrypts, and carries the token, must do.
    """
    event = _decrypted(body, key)
    if event.get("type") != "url_verification":
        _check_signature(body, headers, key, now)
    if token and not same(str(_token(event)), token):
        raise Unbelievable("token")
    return event


def same(given: str, wanted: str) -> bool:
    """Whether two texts are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(_bytes(given), _bytes(wanted))


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")  # a header may hold any byte


def _check_signature(body: bytes, headers: Mapping[str, str], key: str, now: float) -> None:
    timestamp, nonce, given = (
        headers.get(f"X-Lark-{name}", "") for name in ("Request-Timestamp", "Request-Nonce", "Signature")
    )
    if not given or not timestamp:
        raise Unbelievable("unsigned")
    if not same(given.lower(), signature(timestamp, nonce, key, body)):
        raise Unbelievable("forged")
    # Checked after the signature, so that nobody learns from the answer what else would be wrong.
    if not (timestamp.isascii() and timestamp.isdigit() and abs(now - int(timestamp[:12])) <= FRESH):
        raise Unbelievable("stale")


def _decrypted(body: bytes, key: str) -> Json:
    outer = _json(body)
    encrypted = outer.get("encrypt")
    if not isinstance(encrypted, str):
        raise Unbelievable("plaintext")
    try:
        return _json(decrypt(key, encrypted).encode())
    except (ValueError, UnicodeDecodeError):
        raise Unbelievable("unreadable") from None


def _json(data: bytes) -> Json:
    try:
        return halves.decode(data, Json)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError):
        raise Unbelievable("unreadable") from None


def _token(event: Json) -> object:
    header = read(event.get("header"), Json)
    return event.get("token", "") if header is None else header.get("token", "")
