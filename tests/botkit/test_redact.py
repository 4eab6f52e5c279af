"""No secret is shown, in no form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botkit.redact import HIDDEN, Redactor, neutral


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("token is xoxb-12345678", "token is [secret]"),
        ("Bearer xoxb-12345678, again xoxb-12345678", "Bearer [secret], again [secret]"),
        ("inside:axoxb-12345678z", "inside:a[secret]z"),
        ("redis://:p%40ss%2Fword@host", "redis://:[secret]@host"),
        ('{"k": "quo\\"ted-one"}', '{"k": "[secret]"}'),
        ("the short one stays", "the short one stays"),
        ("", ""),
    ],
)
def test_a_secret_is_hidden_wherever_it_stands(text: str, shown: str) -> None:
    assert Redactor(["xoxb-12345678", "p@ss/word", 'quo"ted-one', "short"]).redact(text) == shown


def test_the_longer_of_two_secrets_is_hidden_whole() -> None:
    assert Redactor(["abcdef", "abcdefghij"]).redact("abcdefghij") == HIDDEN


def test_a_key_of_several_lines_is_hidden_line_by_line() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0\n-----END PRIVATE KEY-----"
    assert "MIIEvQIBADANBgkqhkiG9w0" not in Redactor([key]).redact("oops MIIEvQIBADANBgkqhkiG9w0 there")


def test_without_secrets_a_text_stays_as_it_is() -> None:
    assert Redactor().redact("anything") == "anything"


@given(st.text(), st.text(min_size=6, alphabet=st.characters(categories=("L", "N"))), st.text())
def test_no_secret_survives_any_surroundings(before: str, secret: str, after: str) -> None:
    assert secret not in Redactor([secret]).redact(before + secret + after).replace(HIDDEN, "\0")


@given(st.text(alphabet=st.characters()))
def test_a_neutral_text_is_one_line_that_can_be_encoded(text: str) -> None:
    shown = neutral(text)
    assert len(shown.splitlines()) <= 1
    assert "\x1b" not in shown
    shown.encode()
