"""JSON with half a character in it."""

from __future__ import annotations

import msgspec
import pytest

from botkit.halves import decode


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (rb'"\ud83d"', "?"),
        (rb'"a \ud83d half \uDC00"', "a ? half ?"),
        (rb'"\ud83d\ude00 \ud83d\ud83d\ude00"', "😀 ?😀"),
        (rb'"\\ud83d \\\ud83d \" \u00e9\n \ud83d"', '\\ud83d \\? " é\n ?'),
        (r'"ü \udc00"', "ü ?"),
    ],
)
def test_each_half_is_a_question_mark_and_all_else_is_as_it_was(raw: bytes | str, value: str) -> None:
    assert decode(raw, str) == value


@pytest.mark.parametrize("raw", [b"", b'"\\ud83d', b'{"a": "\\ud83d"', rb'"\u12"', rb'["\ud83d"]'])
def test_what_is_no_json_or_of_another_shape_is_refused(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(raw, str)
