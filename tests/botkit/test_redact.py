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


@given(
    st.lists(st.text(min_size=6, max_size=9, alphabet="ab+"), min_size=1, max_size=4),
    st.text(alphabet="ab+", max_size=20),
)
def test_the_longest_beginning_of_any_secret_at_the_end_is_known(secrets: list[str], text: str) -> None:
    begun = Redactor(secrets).begun(text)
    forms = {form for secret in secrets for form in (secret, secret.replace("+", "%2B"))}
    assert begun == max(
        (length for form in forms for length in range(1, len(form)) if text.endswith(form[:length])), default=0
    )
