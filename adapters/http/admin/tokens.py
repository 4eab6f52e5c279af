"""Proves an administrator's JSON Web Token: who signed it, for whom, until when, and what it says they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jwt
from jwt.exceptions import PyJWTError

from adapters.http.admin.jwks import Jwks
from adapters.http.admin.settings import JwtSettings

LEEWAY = 30.0
"""Seconds by which the provider's clock may be off."""


class NotProven(Exception):
    """A token that proves nothing. The text is for logs: whoever shows it learns no more than that."""


class NotAdmin(Exception):
    """Somebody the provider vouches for, but no administrator."""


class Tokens:
    """Tokens of one provider. The algorithms are those configured, never those a token names."""

    def __init__(self, settings: JwtSettings) -> None:
        self._settings = settings
        self._jwks = Jwks(settings.jwks) if settings.jwks else None
        self._algorithms = list(settings.algorithms) if self._jwks else ["HS256"]

    async def prove(self, token: str) -> str:
        """The person a token names. Raises NotProven, NotAdmin, and NoKeys when the provider cannot be asked."""
        settings = self._settings
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token,
                await self._key(token),
                algorithms=self._algorithms,
                audience=settings.audience,
                issuer=settings.issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud", settings.subject]},
            )
        except (PyJWTError, ValueError, TypeError) as problem:
            raise NotProven(str(problem)) from None
        if not says(claims, settings.claim, settings.value):
            raise NotAdmin(str(claims[settings.subject]))
        return str(claims[settings.subject])

    async def _key(self, token: str) -> Any:
        if self._jwks is None:
            return self._settings.secret.get_secret_value()
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in self._algorithms:
            raise NotProven("another algorithm")
        key = await self._jwks.find(str(header.get("kid", "")))
        # A public key must never serve as the secret of an HMAC, nor a key for one algorithm for another.
        if key is None or key.key_type == "oct" or key.algorithm_name != header["alg"]:
            raise NotProven("no such key")
        return key.key


def says(claims: Mapping[str, Any], claim: str, value: str) -> bool:
    """Whether a claim is the value, lists it, or holds it among words, as `scope` does."""
    found: Any = claims.get(claim)
    if found is None and "." in claim:
        outer, _, inner = claim.partition(".")
        nested = claims.get(outer)
        return isinstance(nested, Mapping) and says(nested, inner, value)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(found, str):
        return value == found or value in found.split(" ")
    return isinstance(found, list) and value in found
