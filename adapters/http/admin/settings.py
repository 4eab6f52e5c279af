"""The keys of [gateway.admin]: who may make keys and see what all of them use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, model_validator

from botkit.addresses import loopback
from botkit.fields import Root
from botkit.settings import Section

MIN_SECRET = 32
"""Characters; HS256 is as strong as 32 bytes of it (RFC 7518, 3.2)."""
VARIED = 10
"""Different characters that a secret has at least: an example or a word repeated has fewer."""

Asymmetric = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


def _strong(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if value and (len(value) < MIN_SECRET or len(set(value)) < VARIED):
        raise ValueError(f"expected at least {MIN_SECRET} random characters, for instance from `openssl rand -hex 32`")
    return secret


def _place(value: str, info: ValidationInfo) -> str:
    if value.startswith("https://") or not value:
        return value
    if value.startswith("http://"):
        if not loopback(urlsplit(value).hostname or ""):
            raise ValueError("expected https://: whoever changes these keys on their way becomes an admin")
        return value
    path = Path(value).expanduser()
    return str(info.context.folder / path if isinstance(info.context, Root) else path)


Strong = Annotated[SecretStr, AfterValidator(_strong)]
"""A secret that is not easily guessed, or '' for none."""
FileOrUrl = Annotated[str, AfterValidator(_place)]


class JwtSettings(Section):
    """Admins who log in with an identity provider: their JSON Web Token is sent as `Authorization: Bearer …`."""

    secret: Strong = SecretStr("")
    """Tokens are signed with it (HS256); or:"""
    jwks: FileOrUrl = ""
    """The provider's public keys: a file, or "https://login.example.com/.well-known/jwks.json"."""
    algorithms: tuple[Asymmetric, ...] = ("RS256", "ES256")
    """Taken with `jwks`."""
    issuer: str = Field(min_length=1, examples=["https://login.example.com"])
    """What the token's `iss` must be."""
    audience: str = Field(min_length=1, examples=["botkit"])
    """What must be in the token's `aud`."""
    claim: str = "roles"
    """Where the token says who is an admin; "realm_access.roles" is a claim inside another."""
    value: str = Field(default="botkit-admin", min_length=1)
    """What the claim must be or contain."""
    subject: str = "sub"
    """The claim that names the person, for the audit log."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.secret.get_secret_value()) == bool(self.jwks):
            raise ValueError("expected either secret or jwks")
        return self


class AdminSettings(Section):
    """Who may make keys: with neither table nor secret here, only `botkit keys` on this machine does."""

    bootstrap: Strong = SecretStr("")
    """A secret that may do everything here, to begin with; "" is none."""
    jwt: JwtSettings | None = None
    """[gateway.admin.jwt]"""

    @property
    def any(self) -> bool:
        """Whether anybody can be an admin over HTTP."""
        return bool(self.bootstrap.get_secret_value()) or self.jwt is not None
