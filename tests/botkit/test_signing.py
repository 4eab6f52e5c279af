"""Signed requests: nothing of one can be changed, and none is valid for long."""

from __future__ import annotations

import pytest

from botkit.signing import NONCE, SIGNATURE, TIMESTAMP, Signed, sign, verified
from botkit.testing.store_values import NOW

SECRET = "s" * 64
BODY = b'{"text": "hi"}'
TARGET = "/api/sessions?limit=2"
STAMP = int(NOW)
N = "nonce-0123456789"


def headers(**more: str) -> dict[str, str]:
    return {TIMESTAMP: str(STAMP), NONCE: N, SIGNATURE: sign(SECRET, "POST", TARGET, STAMP, N, BODY), **more}


def test_a_request_signed_by_its_key_is_taken() -> None:
    assert verified(SECRET, "POST", TARGET, headers(), BODY, NOW) == Signed(N, STAMP + 301)


def test_the_signature_is_as_documented() -> None:
    """A vector, so that other languages can be checked against it."""
    signature = sign("secret", "get", "/v1/models", 1_700_000_000, "0123456789abcdef", b"")
    assert signature == "355ffbf0f5dcf1d5c04324ee8d8d01ace300de60b9f08dadb3f94ffe94201976"


@pytest.mark.parametrize(
    ("secret", "method", "target", "body"),
    [
        ("t" * 64, "POST", TARGET, BODY),
        (SECRET, "DELETE", TARGET, BODY),
        (SECRET, "POST", "/api/sessions?limit=3", BODY),
        (SECRET, "POST", "/api/sessions", BODY),
        (SECRET, "POST", TARGET, BODY + b" "),
        (SECRET, "POST", TARGET, b""),
    ],
)
def test_whatever_is_changed_breaks_the_signature(secret: str, method: str, target: str, body: bytes) -> None:
    said = verified(secret, method, target, headers(), body, NOW)
    assert said == f"{SIGNATURE} does not fit the request"


@pytest.mark.parametrize("name", [TIMESTAMP, NONCE, SIGNATURE])
def test_what_is_missing_is_named(name: str) -> None:
    assert "must be signed" in str(verified(SECRET, "POST", TARGET, headers(**{name: ""}), BODY, NOW))


@pytest.mark.parametrize("off", [-301, 301, 1e9])
def test_an_old_request_and_one_from_the_future_are_refused(off: float) -> None:
    assert "away from this server's clock" in str(verified(SECRET, "POST", TARGET, headers(), BODY, NOW + off))


@pytest.mark.parametrize("off", [-300, 300])
def test_clocks_may_differ_by_five_minutes(off: float) -> None:
    assert isinstance(verified(SECRET, "POST", TARGET, headers(), BODY, NOW + off), Signed)


@pytest.mark.parametrize("stamp", ["soon", "1e9", "-1", "1700000000.5", "٣", "9" * 400])
def test_a_timestamp_that_is_no_number_is_refused(stamp: str) -> None:
    assert "Unix seconds" in str(verified(SECRET, "POST", TARGET, headers(**{TIMESTAMP: stamp}), BODY, NOW))


@pytest.mark.parametrize("nonce", ["short", "x" * 65, "has a space in it", "new\nline-0123456789", "ünï-0123456789abc"])
def test_a_nonce_that_is_none_is_refused(nonce: str) -> None:
    assert NONCE in str(verified(SECRET, "POST", TARGET, headers(**{NONCE: nonce}), BODY, NOW))


@pytest.mark.parametrize("signature", ["00" * 32, "ü", "\udce9", "x"])
def test_a_forged_signature_is_refused(signature: str) -> None:
    said = verified(SECRET, "POST", TARGET, headers(**{SIGNATURE: signature}), BODY, NOW)
    assert said == f"{SIGNATURE} does not fit the request"
