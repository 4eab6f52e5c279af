"""Makes and proves the secrets of API keys. Pure but for the randomness.

A token is `bk_<id>_<secret>`. The secret is 256 random bits, so one round of SHA-256 is enough: there is nothing to
guess that a slow hash would make expensive, and every request pays for it. The salt keeps equal digests apart.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, replace

from botkit.keys import ApiKey, Hashed

MARK = "bk"
"""What every token begins with, so that people and secret scanners recognise one."""
SHOWN = 4
"""Digits of the secret that are kept readable; 60 of 64 stay secret."""

_TOKEN = re.compile(rf"{MARK}_([0-9a-f]{{16}})_([0-9a-f]{{64}})")
_NOBODY = Hashed("00" * 16, "00" * 32)
"""Compared with where there is no key, so that an unknown id takes as long as a wrong secret."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token taken apart."""

    id: str
    secret: str

    @property
    def text(self) -> str:
        return f"{MARK}_{self.id}_{self.secret}"

    @property
    def prefix(self) -> str:
        return f"{MARK}_{self.id}_{self.secret[:SHOWN]}"


def new_token(now: float) -> Token:
    """For a new key. Ids grow with time, by the second."""
    return Token(f"{int(now):08x}{secrets.token_hex(4)}", secrets.token_hex(32))


def new_key(name: str, owner: str, now: float) -> tuple[ApiKey, Token]:
    """A key that may do what keys may by default, and its token, which nobody can find out later."""
    token = new_token(now)
    return ApiKey(token.id, name, owner, now, hashed(token.secret), token.prefix), token


def parse_token(text: str) -> Token | None:
    """None for what cannot be a token of ours."""
    match = _TOKEN.fullmatch(text)
    return Token(match[1], match[2]) if match else None


def hashed(secret: str) -> Hashed:
    salt = secrets.token_hex(16)
    return Hashed(salt, _digest(salt, secret))


def proves(token: Token, key: ApiKey | None, now: float) -> bool:
    """Whether the token is the key's, or the one before it while both are valid. Takes the same time in any case."""
    kept = (key.secret, key.previous) if key else (_NOBODY, None)
    current = _equal(kept[0], token.secret)
    before = _equal(kept[1] or _NOBODY, token.secret)
    overlap = key is not None and key.previous is not None and now < key.previous_until
    return key is not None and token.id == key.id and (current or (before and overlap))


def rotated(key: ApiKey, now: float, overlap: float) -> tuple[ApiKey, Token]:
    """The key with a new secret; the old one goes on for `overlap` seconds."""
    token = Token(key.id, secrets.token_hex(32))
    return replace(
        key,
        secret=hashed(token.secret),
        prefix=token.prefix,
        previous=key.secret if overlap > 0 else None,
        previous_until=now + overlap if overlap > 0 else 0.0,
        revision=key.revision + 1,
    ), token


def new_signing_secret() -> str:
    return secrets.token_hex(32)


def _equal(kept: Hashed, secret: str) -> bool:
    return hmac.compare_digest(kept.digest, _digest(kept.salt, secret))


def _digest(salt: str, secret: str) -> str:
    return hashlib.sha256(bytes.fromhex(salt) + secret.encode()).hexdigest()
