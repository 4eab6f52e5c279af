"""Administrators who log in with an identity provider: what their tokens must say, and what nobody can forge."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from pydantic import ValidationError

from adapters.http.admin import jwks
from adapters.http.admin.settings import JwtSettings
from adapters.http.settings import GatewaySettings
from tests.adapters.http.gate import BOOTSTRAP, Gate, gate

SECRET = "hs256-0123456789abcdef-0123456789abcdef"
KEYS = "/admin/api-keys"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
BASE = {"issuer": "https://login.example.com", "audience": "botkit"}
HS = {"jwt": {**BASE, "secret": SECRET}}


def claims(**more: Any) -> dict[str, Any]:
    found = {
        "iss": BASE["issuer"],
        "aud": "botkit",
        "sub": "ada@example.com",
        "exp": time.time() + 60,
        "roles": ["botkit-admin", "other"],
        **more,
    }
    return {name: value for name, value in found.items() if value is not None}


def hs(**more: Any) -> str:
    return jwt.encode(claims(**more), SECRET, algorithm="HS256")


def published(**keys: Any) -> str:
    """A JWKS document with these public keys by id."""
    kinds: dict[bool, Any] = {True: ECAlgorithm, False: RSAAlgorithm}
    found = [
        {**kinds[isinstance(key, ec.EllipticCurvePrivateKey)].to_jwk(key.public_key(), as_dict=True), "kid": id}
        for id, key in keys.items()
    ]
    return json.dumps({"keys": found})


@dataclass
class Provider:
    """Publishes keys on loopback."""

    document: str
    status: int = 200
    asked: int = 0
    url: str = field(default="")


@asynccontextmanager
async def provider(document: str) -> AsyncGenerator[Provider]:
    it = Provider(document)

    async def answer(_: web.Request) -> web.Response:
        it.asked += 1
        return web.Response(status=it.status, text=it.document, content_type="application/json")

    app = web.Application()
    app.router.add_get("/jwks.json", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}/jwks.json"
    try:
        yield it
    finally:
        await runner.cleanup()


async def status(it: Gate, token: str) -> int:
    return (await it.admin("GET", KEYS, token=token))[0]


async def test_a_token_of_an_admin_opens_and_names_who_acted() -> None:
    async with gate(admin=HS) as it:
        assert await status(it, hs()) == 200
        await it.admin("POST", KEYS, {"name": "n", "owner": "o"}, token=hs())
        _, page = await it.admin("GET", "/admin/audit", token=hs())
        assert page["data"][0]["who"] == "jwt:ada@example.com"


@pytest.mark.parametrize(
    "wrong",
    [
        {"exp": 1},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": time.time() + 3600},
        {"iss": "https://evil.example.com"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"sub": None},
    ],
)
async def test_a_token_must_be_for_us_from_the_provider_and_of_now(wrong: dict[str, Any]) -> None:
    async with gate(admin=HS) as it:
        assert await status(it, hs(**wrong)) == 401


@pytest.mark.parametrize(
    "roles", [None, [], ["botkit-administrator"], "not-botkit-admin", 7, {"botkit-admin": 1}, [["botkit-admin"]]]
)
async def test_somebody_who_is_no_admin_is_told_so(roles: object) -> None:
    async with gate(admin=HS) as it:
        assert await status(it, hs(roles=roles)) == 403


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"claim": "scope", "value": "botkit"}, {"scope": "openid botkit email"}),
        ({"claim": "realm_access.roles"}, {"realm_access": {"roles": ["botkit-admin"]}}),
        ({"claim": "https://example.com/roles"}, {"https://example.com/roles": "botkit-admin"}),
        ({"claim": "email", "value": "ada@example.com", "subject": "email"}, {"email": "ada@example.com"}),
    ],
)
async def test_the_config_says_which_claim_makes_an_admin(settings: dict[str, Any], found: dict[str, Any]) -> None:
    async with gate(admin={"jwt": {**HS["jwt"], **settings}}) as it:
        assert await status(it, hs(roles=None, **found)) == 200
        assert await status(it, hs()) in (401, 403)


async def test_a_token_signed_by_somebody_else_opens_nothing() -> None:
    async with gate(admin=HS) as it:
        good = hs()
        head, body, signature = good.split(".")
        forged = base64.urlsafe_b64encode(json.dumps(claims(sub="eve")).encode()).rstrip(b"=").decode()
        for token in (
            jwt.encode(claims(), SECRET[:-1] + "x", algorithm="HS256"),
            jwt.encode(claims(), SECRET * 2, algorithm="HS512"),
            jwt.encode(claims(), "", algorithm="none"),
            f"{head}.{forged}.{signature}",
            f"{head}.{body}.",
            f"{head}.{body}.{signature[:-2]}",
            "a.b.c",
            "..",
            f"{good}.x",
            "x" * 8_000 + ".b.c",
        ):
            assert await status(it, token) in (401, 429), token[:40]


async def test_a_providers_keys_prove_tokens_of_their_own_algorithm(tmp_path: Path) -> None:
    place = tmp_path / "jwks.json"
    place.write_text(published(r=RSA, e=EC), encoding="utf-8")
    async with gate(admin={"jwt": {**BASE, "jwks": str(place)}}, failures_per_minute=100) as it:
        assert await status(it, jwt.encode(claims(), RSA, algorithm="RS256", headers={"kid": "r"})) == 200
        assert await status(it, jwt.encode(claims(), EC, algorithm="ES256", headers={"kid": "e"})) == 200
        for token in (
            jwt.encode(claims(), OTHER, algorithm="RS256", headers={"kid": "r"}),
            jwt.encode(claims(), RSA, algorithm="RS256", headers={"kid": "e"}),
            jwt.encode(claims(), RSA, algorithm="RS256"),
            jwt.encode(claims(), RSA, algorithm="RS512", headers={"kid": "r"}),
            jwt.encode(claims(), RSA, algorithm="PS256", headers={"kid": "r"}),
            jwt.encode(claims(), "", algorithm="none", headers={"kid": "r"}),
        ):
            assert await status(it, token) == 401


async def test_a_public_key_is_never_taken_for_a_secret(tmp_path: Path) -> None:
    """Algorithm confusion: everybody knows the public key, so nothing may be "signed" with it."""
    place = tmp_path / "jwks.json"
    place.write_text(published(r=RSA), encoding="utf-8")
    public = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "HS256", "typ": "JWT", "kid": "r"}, claims())
    ]
    signature = hmac.new(public, b".".join(parts), hashlib.sha256).digest()
    token = b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()
    async with gate(admin={"jwt": {**BASE, "jwks": str(place)}}) as it:
        assert await status(it, token) == 401


async def test_a_shared_secret_among_the_providers_keys_proves_nothing(tmp_path: Path) -> None:
    place = tmp_path / "jwks.json"
    secret = base64.urlsafe_b64encode(SECRET.encode()).rstrip(b"=").decode()
    place.write_text(json.dumps({"keys": [{"kty": "oct", "kid": "o", "k": secret, "alg": "HS256"}]}), encoding="utf-8")
    async with gate(admin={"jwt": {**BASE, "jwks": str(place)}}) as it:
        assert await status(it, jwt.encode(claims(), SECRET, algorithm="HS256", headers={"kid": "o"})) == 401


async def test_keys_are_fetched_once_and_again_when_a_new_one_appears(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        provider(published(old=RSA)) as it_provides,
        gate(admin={"jwt": {**BASE, "jwks": it_provides.url}}, failures_per_minute=100) as it,
    ):
        old = jwt.encode(claims(), RSA, algorithm="RS256", headers={"kid": "old"})
        new = jwt.encode(claims(), OTHER, algorithm="RS256", headers={"kid": "new"})
        assert [await status(it, old) for _ in range(5)] == [200] * 5
        assert it_provides.asked == 1
        it_provides.document = published(old=RSA, new=OTHER)
        assert [await status(it, new) for _ in range(5)] == [401] * 5
        assert it_provides.asked == 1, "not for every id somebody makes up"
        monkeypatch.setattr(jwks, "AGAIN", 0.0)
        assert await status(it, new) == 200
        assert it_provides.asked == 2


async def test_a_provider_that_is_down_is_believed_for_a_while_and_then_nobody_gets_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jwks, "AGAIN", 0.0)
    token = jwt.encode(claims(), RSA, algorithm="RS256", headers={"kid": "r"})
    async with (
        provider(published(r=RSA)) as it_provides,
        gate(admin={"bootstrap": BOOTSTRAP, "jwt": {**BASE, "jwks": it_provides.url}}) as it,
    ):
        assert await status(it, token) == 200
        for wrong in (503, 302):
            it_provides.status = wrong
            monkeypatch.setattr(jwks, "FRESH", 0.0)
            assert await status(it, token) == 200
        it_provides.status, it_provides.document = 200, "x" * (jwks.LARGEST + 10)
        assert await status(it, token) == 200
        monkeypatch.setattr(jwks, "STALE", 0.0)
        assert await status(it, token) == 503
        assert await status(it, BOOTSTRAP) == 200


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({**BASE}, "either secret or jwks"),
        ({**BASE, "secret": SECRET, "jwks": "keys.json"}, "either secret or jwks"),
        ({**BASE, "secret": "short"}, "at least 32 random characters"),
        ({**BASE, "jwks": "http://login.example.com/jwks.json"}, "https"),
        ({**BASE, "jwks": "keys.json", "algorithms": ["HS256"]}, "algorithms"),
        ({**BASE, "jwks": "keys.json", "algorithms": ["none"]}, "algorithms"),
        ({"secret": SECRET, "issuer": BASE["issuer"]}, "audience"),
        ({"secret": SECRET, "audience": "botkit", "issuer": ""}, "issuer"),
    ],
)
def test_settings_that_would_let_anybody_in_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        JwtSettings.model_validate(settings)


def test_no_secret_is_shown_with_the_settings() -> None:
    shown = repr(GatewaySettings.model_validate({"admin": {"bootstrap": BOOTSTRAP, **HS}}))
    assert BOOTSTRAP not in shown
    assert SECRET not in shown
