from __future__ import annotations

import pytest
from hypothesis import given, strategies

from botkit.claude.framing import Framer


@given(
    strategies.lists(strategies.binary(max_size=20).map(lambda line: line.replace(b"\n", b""))),
    strategies.integers(1, 7),
)
def test_lines_are_the_same_however_they_arrive(lines: list[bytes], size: int) -> None:
    data = b"".join(line + b"\n" for line in lines)
    framer = Framer(100)
    got = [line for at in range(0, len(data), size) for line in framer.feed(data[at : at + size])]
    assert got == lines
    assert framer.finish() == []


@given(strategies.lists(strategies.integers(0, 30)), strategies.integers(1, 9))
def test_a_line_too_long_is_dropped_alone(lengths: list[int], size: int) -> None:
    data = b"".join(b"x" * length + b"\n" for length in lengths)
    framer = Framer(10)
    got = [line for at in range(0, len(data), size) for line in framer.feed(data[at : at + size])]
    assert got == [b"x" * length if length <= 10 else None for length in lengths]


def test_an_endless_line_is_not_kept() -> None:
    framer = Framer(1000)
    told = [line for _ in range(100) for line in framer.feed(b"x" * 500)]
    assert told == [None]
    assert framer.finish() == []
    assert framer.feed(b"x\nnext\n") == [b"next"]


def test_what_is_left_without_a_newline_comes_last() -> None:
    framer = Framer(1000)
    assert framer.feed(b"a\nb") == [b"a"]
    assert framer.finish() == [b"b"]


@pytest.mark.parametrize("size", [1, 3, 65536])
def test_long_lines_are_put_together(size: int) -> None:
    framer = Framer(10_000_000)
    data = b"y" * 300_000 + b"\n"
    got = [line for at in range(0, len(data), size) for line in framer.feed(data[at : at + size])]
    assert got == [data[:-1]]
