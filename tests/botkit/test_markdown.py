"""Half-written Markdown is shown whole, long Markdown is cut without loss."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botkit.markdown import block, code, excerpt, folded, plain, presentable, split, title_of, unfolded

PIECES = st.sampled_from(
    [
        "A sentence of ordinary words that goes on for a while.",
        "short",
        "a **bold** and _soft_ `code` line",
        "- one item",
        "- another item\n  with a second line",
        "1. first\n2. second",
        "# Heading",
        "```python\nx = 1\n\ny = 2\n```",
        "~~~\nplain block\n~~~",
        "- item with code\n\n  ```sh\n  ls -la\n  pwd\n  ```",
        "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n| 5 | 6 |",
        "> quoted",
        "漢字かな交じり文" * 5,
        "👩‍👩‍👧 é 🇩🇪",
        "x" * 90,
        "| not a table",
    ]
)
DOCUMENTS = st.lists(st.tuples(PIECES, st.sampled_from(["\n\n", "\n\n", "\n"])), max_size=30).map(
    lambda pieces: "".join(piece + gap for piece, gap in pieces)
)
NOISE = st.text(alphabet="ab *_`~|-#>[]()!\\\n\t:1.🇩é\u200d", max_size=300)
LIMITS = st.integers(min_value=60, max_value=400)


def within(limit: int) -> Callable[[str], bool]:
    return lambda text: len(text) <= limit


def content(text: str) -> str:
    """What is left when nothing counts but the words: no fences, no table heads, no space."""
    kept = [line for line in text.split("\n") if not re.match(r"\s*(```|~~~|\| a \| b \||\|---\|---\|)", line)]
    return re.sub(r"\s+", "", "".join(kept))


@given(DOCUMENTS, LIMITS)
@settings(deadline=None)
def test_no_word_is_lost_or_doubled_and_every_part_fits(text: str, limit: int) -> None:
    parts = split(text, within(limit))
    assert content("\n".join(parts)) == content(text)
    assert all(part.strip() and len(part) <= limit for part in parts)


@given(st.one_of(NOISE, st.text(max_size=200)), st.integers(min_value=1, max_value=80))
@settings(deadline=None)
def test_any_text_at_any_limit_is_cut_to_parts_that_fit(text: str, limit: int) -> None:
    parts = split(text, within(limit))
    assert all(len(part) <= limit for part in parts)


@given(st.text(alphabet="abc \n漢🇩🇪é", max_size=300), st.integers(min_value=4, max_value=50))
@settings(deadline=None)
def test_plain_words_survive_any_cut(text: str, limit: int) -> None:
    assert re.sub(r"\s+", "", "".join(split(text, within(limit)))) == re.sub(r"\s+", "", text)


@given(DOCUMENTS, st.integers(min_value=120, max_value=400), st.data())
@settings(deadline=None)
def test_parts_but_the_last_stay_as_they_are_while_the_text_grows(text: str, limit: int, data: st.DataObject) -> None:
    end = data.draw(st.integers(min_value=0, max_value=len(text)))
    now, later = split(text[:end], within(limit)), split(text, within(limit))
    assert later[: max(0, len(now) - 1)] == now[:-1]


@given(st.one_of(NOISE, DOCUMENTS), st.data())
@settings(deadline=None)
def test_a_half_written_text_is_always_presentable(text: str, data: st.DataObject) -> None:
    shown = presentable(text[: data.draw(st.integers(min_value=0, max_value=len(text)))])
    letters = re.sub(r"[^a-z]", "", shown)
    assert re.sub(r"[^a-z]", "", text).startswith(letters) or "[" in text


@given(DOCUMENTS)
@settings(deadline=None)
def test_a_finished_text_is_shown_as_it_is(text: str) -> None:
    assert presentable(text + "\n\nThe end.") == text + "\n\nThe end."


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("", ""),
        ("**bold te", "**bold te**"),
        ("**bold ", "**bold** "),
        ("**bold*", "**bold**"),
        ("plain **", "plain "),
        ("***x* y", "***x* y**"),
        ("_soft", "_soft_"),
        ("it's ~~gone", "it's ~~gone~~"),
        ("run `ls -", "run `ls -`"),
        ("run ``a`b", "run ``a`b``"),
        ("run `", "run "),
        ("snake_case_name", "snake_case_name"),
        ("2 * 3", "2 * 3"),
        ("\\*not soft", "\\*not soft"),
        ("`*` is **a", "`*` is **a**"),
        ("- one\n- **two", "- one\n- **two**"),
        ("an earlier **slip\n\nnext", "an earlier **slip\n\nnext"),
        ("see [the page](http://exa", "see the page"),
        ("look: ![a pic](http://exa", "look: "),
        ("before\n```py", "before"),
        ("```py\nx = 1", "```py\nx = 1\n```"),
        ("```py\nx = 1\n``", "```py\nx = 1\n```"),
        ("~~~\nx `y", "~~~\nx `y\n~~~"),
        ("- item\n\n  ```sh\n  ls", "- item\n\n  ```sh\n  ls\n  ```"),
        ("Table:\n\n| a | b", "Table:"),
        ("Table:\n\n| a | b |\n|--", "Table:"),
        ("Table:\n\n| a | b |\n|---|---|", "Table:\n\n| a | b |\n|---|---|"),
        ("Table:\n\n| a | b |\nnot a rule", "Table:\n\n| a | b |\nnot a rule"),
        ("| a | b |\n|---|---|\n| *x", "| a | b |\n|---|---|\n| *x*"),
    ],
)
def test_what_is_shown_of_a_half_written_text(written: str, shown: str) -> None:
    assert presentable(written) == shown


def test_a_code_block_is_closed_and_opened_again_with_its_language() -> None:
    text = "Intro\n\n```python\n" + "".join(f"x{number} = {number}\n" for number in range(100)) + "```\n\nEnd."
    parts = split(text, within(300))
    assert parts[0].startswith("Intro\n\n```python\nx0 = 0\n")
    assert all(part.endswith("\n```") for part in parts[:-1])
    assert all(part.startswith("```python\n") for part in parts[1:])
    assert parts[-1].endswith("x99 = 99\n```\n\nEnd.")


def test_code_in_a_list_item_moves_to_the_margin_when_it_goes_on() -> None:
    text = "- item\n\n    ```sh\n" + "".join(f"    echo {number}\n" for number in range(40)) + "    ```\n- next"
    parts = split(text, within(200))
    assert parts[1].startswith("```sh\necho ")
    assert "\n```" in parts[-1]
    assert parts[-1].endswith("- next")


def test_a_table_that_fits_is_kept_whole() -> None:
    table = "| a | b |\n|---|---|\n" + "".join(f"| {number} | y |\n" for number in range(10))
    parts = split("Words. " * 20 + "\n\n" + table + "\nEnd.", within(200))
    assert any(table.strip() in part for part in parts)


def test_a_table_that_is_too_long_repeats_its_head() -> None:
    rows = [f"| {number} | some text |" for number in range(60)]
    parts = split("\n".join(["| a | b |", "|---|---|", *rows]), within(300))
    assert all(part.startswith("| a | b |\n|---|---|\n| ") for part in parts)
    assert [line for part in parts for line in part.split("\n")[2:]] == rows


def test_a_list_item_is_kept_whole() -> None:
    items = [f"- item {number}: {'word ' * 12}".rstrip() for number in range(20)]
    assert [line for part in split("\n".join(items), within(200)) for line in part.split("\n")] == items


def test_a_character_made_of_several_is_not_cut_in_two() -> None:
    assert split("👨‍👩‍👧é" * 3, within(7)) == ["👨‍👩‍👧é"] * 3
    assert split("🇩🇪" * 4, within(5)) == ["🇩🇪🇩🇪"] * 2


def test_a_measure_that_nothing_passes_still_ends() -> None:
    assert split("ab", within(0)) == ["a", "b"]


@pytest.mark.parametrize("text", ["", " \n\n ", "\n"])
def test_nothing_to_see_makes_no_message(text: str) -> None:
    assert split(text, within(10)) == []


def test_a_very_long_text_is_measured_only_a_few_times_for_each_part() -> None:
    measured = 0

    def fits(text: str) -> bool:
        nonlocal measured
        measured += len(text)
        return len(text) <= 3500

    text = "\n\n".join(f"Paragraph {number} with some words in it, and a few more." for number in range(2000))
    parts = split(text, fits)
    assert len(text) > 100_000
    assert len(parts) < 36
    assert measured < 12 * len(text)


@pytest.mark.parametrize("text", ["plain", "a`b", "``", "`x`", "two\nlines", "  "])
def test_inline_code_holds_any_text(text: str) -> None:
    shown = code(text)
    assert "\n" not in shown
    assert shown.strip("` ") == " ".join(text.split()).strip("` ")


def test_a_block_is_not_closed_by_what_is_in_it() -> None:
    assert block("a\n```\nb", "md") == "````md\na\n```\nb\n````"


def test_a_folded_part_keeps_its_title_where_nothing_folds() -> None:
    part = folded("✓ Bash: `a`\n_b", "```\nx")
    assert part == "````folded ✓ Bash: 'a' _b\n```\nx\n````"
    assert unfolded(f"a\n\n{part}\n\nb") == "a\n\n_✓ Bash: 'a' \\_b_\n\n````\n```\nx\n````\n\nb"
    assert plain(part) == "✓ Bash: 'a' _b\n```\nx"
    assert unfolded("```py\nx\n```") == "```py\nx\n```"
    assert [title_of(info) for info in ("folded A b", " folded A", "py", "folded")] == ["A b", "A", None, ""]


@pytest.mark.parametrize(
    ("text", "end", "shown"),
    [
        ("a\nb\nc", False, "a\nb\nc"),
        ("a\nb\nc\nd\ne", False, "a\nb\nc\n… 2 more lines"),
        ("a\nb\nc\nd\n", True, "… 1 more line\nb\nc\nd"),
        ("x" * 30, False, "x" * 20 + "\n…"),
        ("", False, ""),
    ],
)
def test_an_excerpt_says_what_is_missing(text: str, end: bool, shown: str) -> None:
    assert excerpt(text, rows=3, characters=20, end=end) == shown


def test_plain_words_are_left_when_the_formatting_goes() -> None:
    text = "# Title\n\nSome **bold**, _soft_ and `code_name`.\n\n> quoted [link](http://x.y)\n\n```py\na * b * c\n```"
    assert plain(text) == "Title\n\nSome bold, soft and code_name.\n\nquoted link (http://x.y)\n\na * b * c"
