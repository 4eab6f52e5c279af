"""Believing the webhook: signature, age, encryption, token."""

from __future__ import annotations

import msgspec
import pytest
from multidict import CIMultiDict

from adapters.feishu.sdk import decrypt
from adapters.feishu.seal import FRESH, Unbelievable, opened, signature
from adapters.feishu.testing import encrypted, signed
from adapters.feishu.wire import Json

KEY, TOKEN, NOW = "test key", "v-token", 1_700_000_000.0
EVENT: Json = {"schema": "2.0", "header": {"token": TOKEN, "event_type": "x"}, "event": {}}


def sealed(event: Json, key: str = KEY) -> bytes:
    return msgspec.json.encode({"encrypt": encrypted(msgspec.json.encode(event), key)})


def headers(body: bytes, *, key: str = KEY, at: float = NOW) -> CIMultiDict[str]:
    return CIMultiDict(signed(body, key, str(int(at)), "nonce"))


def doubt(body: bytes, given: CIMultiDict[str], token: str = TOKEN) -> str:
    with pytest.raises(Unbelievable) as refusal:
        opened(body, given, key=KEY, token=token, now=NOW)
    return refusal.value.why


def test_the_documented_cipher_text_is_decrypted() -> None:
    """https://open.feishu.cn/document/ukTMukTMukTM/uYDNxYjL2QTM24iN0EjN/event-subscription-configure-/encrypt-key"""
    assert decrypt("test key", "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=") == "hello world"


def test_a_signed_fresh_event_is_believed_whatever_the_case_of_its_headers() -> None:
    body = sealed(EVENT)
    assert opened(body, headers(body), key=KEY, token=TOKEN, now=NOW) == EVENT
    lower = CIMultiDict({name.lower(): value for name, value in headers(body).items()})
    assert opened(body, lower, key=KEY, token="", now=NOW) == EVENT


def test_one_altered_byte_is_noticed() -> None:
    body = sealed(EVENT)
    given = headers(body)
    for at in (0, len(body) // 2, len(body) - 1):
        altered = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        assert doubt(altered, given) in ("forged", "unreadable", "plaintext")


def test_who_does_not_know_the_key_is_refused() -> None:
    body = sealed(EVENT)
    assert doubt(body, headers(body, key="guess")) == "forged"
    assert doubt(sealed(EVENT, "guess"), headers(body)) == "unreadable"
    assert doubt(body, CIMultiDict()) == "unsigned"
    odd = headers(body)
    odd["X-Lark-Signature"] = "\udcff" * 64
    assert doubt(body, odd) == "forged"


@pytest.mark.parametrize("off", [FRESH + 1, -FRESH - 1, 3600.0, -1e9])
def test_an_old_event_is_refused_although_it_is_signed(off: float) -> None:
    body = sealed(EVENT)
    assert doubt(body, headers(body, at=NOW + off)) == "stale"


@pytest.mark.parametrize("stamp", ["", "x", "-5", "²", "9" * 40])
def test_a_time_that_is_none_is_refused(stamp: str) -> None:
    body = sealed(EVENT)
    given = CIMultiDict(
        {
            "X-Lark-Request-Timestamp": stamp,
            "X-Lark-Request-Nonce": "n",
            "X-Lark-Signature": signature(stamp, "n", KEY, body),
        }
    )
    assert doubt(body, given) in ("unsigned", "stale")


def test_plain_text_is_refused_even_when_it_is_signed() -> None:
    body = msgspec.json.encode(EVENT)
    assert doubt(body, headers(body)) == "plaintext"
    assert doubt(b"[]", headers(b"[]")) == "unreadable"


def test_the_token_is_compared_if_there_is_one() -> None:
    body = sealed({**EVENT, "header": {"token": "other"}})
    assert doubt(body, headers(body)) == "token"
    body = sealed({"schema": "2.0"})
    assert doubt(body, headers(body)) == "token"


def test_the_verification_of_the_address_is_not_signed_but_sealed() -> None:
    question: Json = {"type": "url_verification", "challenge": "c", "token": TOKEN}
    assert opened(sealed(question), CIMultiDict(), key=KEY, token=TOKEN, now=NOW) == question
    assert doubt(msgspec.json.encode(question), CIMultiDict()) == "plaintext"
    assert doubt(sealed({**question, "token": "no"}), CIMultiDict()) == "token"
