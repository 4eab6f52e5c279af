"""The tokens of API keys: what is kept of them, and what proves a key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from botkit.keys import ApiKey
from botkit.testing.store_values import NOW
from botkit.tokens import Token, hashed, new_token, parse_token, proves, rotated


def made() -> tuple[ApiKey, Token]:
    token = new_token(NOW)
    return ApiKey(token.id, "name", "owner", NOW, hashed(token.secret), token.prefix), token


def test_a_token_proves_its_key_and_no_other() -> None:
    (key, token), (other, _) = made(), made()
    assert proves(token, key, NOW)
    assert not proves(token, other, NOW)
    assert not proves(token, None, NOW)


@pytest.mark.parametrize("at", range(0, 64, 9))
def test_a_secret_that_differs_in_one_digit_proves_nothing(at: int) -> None:
    key, token = made()
    digit = "0" if token.secret[at] != "0" else "1"
    assert not proves(Token(token.id, token.secret[:at] + digit + token.secret[at + 1 :]), key, NOW)


def test_another_keys_secret_under_this_keys_id_proves_nothing() -> None:
    (key, token), (_, other) = made(), made()
    assert not proves(Token(token.id, other.secret), key, NOW)
    assert not proves(Token(other.id, token.secret), key, NOW)


def test_a_token_is_taken_apart_as_it_was_put_together() -> None:
    _, token = made()
    assert token.text.startswith("bk_")
    assert parse_token(token.text) == token


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bk_",
        "sk-ant-something",
        f"bk_{'a' * 16}_{'b' * 63}",
        f"bk_{'a' * 16}_{'b' * 65}",
        f"bk_{'a' * 16}_{'b' * 64}\n",
        f"bk_{'A' * 16}_{'b' * 64}",
        f"bk_{'*' * 16}_{'b' * 64}",
        f"bk_{'a' * 16}:{'b' * 64}",
        f"bk_{'a' * 16}_{'٣' * 64}",
        " " + f"bk_{'a' * 16}_{'b' * 64}",
    ],
)
def test_what_cannot_be_a_token_is_none(text: str) -> None:
    assert parse_token(text) is None


def test_nothing_that_is_kept_holds_the_secret() -> None:
    key, token = made()
    assert token.secret not in repr((key, key.secret))
    assert key.prefix == f"bk_{token.id}_{token.secret[:4]}"


def test_equal_secrets_are_kept_differently() -> None:
    assert hashed("same").digest != hashed("same").digest


def test_ids_grow_with_time() -> None:
    assert new_token(NOW).id < new_token(NOW + 1).id


def test_after_a_rotation_both_secrets_work_for_a_while() -> None:
    key, old = made()
    turned, new = rotated(key, NOW, overlap=60.0)
    assert turned.revision == key.revision + 1
    assert proves(new, turned, NOW)
    assert proves(old, turned, NOW + 59)
    assert not proves(old, turned, NOW + 60)
    assert proves(new, turned, NOW + 1e6)


def test_without_an_overlap_the_old_secret_is_dead_at_once() -> None:
    key, old = made()
    turned, new = rotated(key, NOW, overlap=0.0)
    assert not proves(old, turned, NOW)
    assert turned.previous is None
    assert proves(new, turned, NOW)


def test_a_second_rotation_ends_the_first_secret() -> None:
    key, first = made()
    once, second = rotated(key, NOW, overlap=60.0)
    twice, third = rotated(once, NOW + 1, overlap=60.0)
    assert [proves(token, twice, NOW + 2) for token in (first, second, third)] == [False, True, True]


def test_an_overlap_without_a_secret_before_it_opens_nothing() -> None:
    key, token = made()
    assert not proves(Token(token.id, "00" * 32), replace(key, previous_until=NOW + 60), NOW)
