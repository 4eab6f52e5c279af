"""Signed requests: a key with a signing secret is of use only to who has that secret as well. Pure.

The signature is HMAC-SHA256, as hex, over these lines: the word "v1", the method, the path with its query as sent, the
timestamp, the nonce, and the SHA-256 of the body as hex. So nothing of it can be changed, nor sent a second time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

TIMESTAMP = "X-Botkit-Timestamp"
"""Unix seconds, whole."""
NONCE = "X-Botkit-Nonce"
"""16 to 64 letters, digits, - and _; never twice within ten minutes."""
SIGNATURE = "X-Botkit-Signature"

SKEW = 300.0
"""Seconds by which a request's clock may be off in either direction."""

_NUMBER = re.compile(r"[0-9]{1,12}")
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")


@dataclass(frozen=True, slots=True)
class Signed:
    """A request whose signature is right. Its nonce must not have been used before, and not again until `until`."""

    nonce: str
    until: float


def sign(secret: str, method: str, target: str, timestamp: int, nonce: str, body: bytes) -> str:
    """`target`: the path with its query, as it is sent."""
    lines = ("v1", method.upper(), target, str(timestamp), nonce, hashlib.sha256(body).hexdigest())
    return hmac.new(secret.encode(), "\n".join(lines).encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def verified(
    secret: str, method: str, target: str, headers: Mapping[str, str], body: bytes, now: float
) -> Signed | str:
    """The request's nonce, or what is wrong in words for whoever sent it. `headers` finds names in any case."""
    stamp, nonce, signature = (headers.get(name, "") for name in (TIMESTAMP, NONCE, SIGNATURE))
    if not (stamp and nonce and signature):
        return f"this key's requests must be signed: {TIMESTAMP}, {NONCE} and {SIGNATURE}"
    if not _NUMBER.fullmatch(stamp):
        return f"{TIMESTAMP} must be Unix seconds"
    if abs(now - int(stamp)) > SKEW:
        return f"{TIMESTAMP} is more than {SKEW:g} s away from this server's clock"
    if not _NONCE.fullmatch(nonce):
        return f"{NONCE} must be 16 to 64 letters, digits, - and _"
    right = sign(secret, method, target, int(stamp), nonce, body)
    if not hmac.compare_digest(right.encode(), signature.encode("utf-8", "surrogatepass")):
        return f"{SIGNATURE} does not fit the request"
    return Signed(nonce, int(stamp) + SKEW + 1)
