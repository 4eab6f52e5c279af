"""Markdown in the notation of Feishu's cards, and its size."""

from __future__ import annotations

import pytest

from adapters.feishu import cards
from adapters.feishu.format import Folded, card_blocks, card_markdown, defused
from adapters.feishu.testing.marks import ats, prose, rendered, tables
from botkit.markdown import folded, presentable
from botkit.model import Action, Conversation, Outgoing
from botkit.split import split

HERE = Conversation("feishu", "t", "oc_1", "om_1")
TABLE = "| a | b |\n|---|--:|\n| 1 | **2** |"
PINGS = ("<at id=all></at>", '<at user_id="ou_1">Tom</at>', "<AT ids='a,b'></AT>", "<person id='ou_1'></person>")


@pytest.mark.parametrize(
    ("markdown", "card"),
    [
        ("", ""),
        ("plain", "plain"),
        (folded("✓ Bash: ls", "a.txt"), "*✓ Bash: ls*\n\n```\na.txt\n```"),
        ("**bold** *soft* ~~gone~~ `code`", "**bold** *soft* ~~gone~~ `code`"),
        ("**a *b* c**", "**a *b* c**"),
        ("# One\n\n###### Six", "# One\n\n###### Six"),
        ("one\ntwo", "one\ntwo"),
        ("- a\n- b\n  - c", "- a\n- b\n    - c"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("> a\n> b", "> a\n> b"),
        ("---", "---"),
        ("```py\nx = '<a>' & 1\n```", "```py\nx = '<a>' & 1\n```"),
        ("    indented", "```\nindented\n```"),
        ("````\n```\n````", "```\n`\u200b``\n```"),
        ("[a](https://e.com/x)", "[a](https://e.com/x)"),
        ("[a](javascript:x)", "&#91;a&#93;(javascript:x)"),
        ("see https://e.com/a_b.", "see [https://e.com/a_b](https://e.com/a_b)."),
        ("![cat](https://e.com/c.png)", "[cat](https://e.com/c.png)"),
        ("![cat](img_key)", "cat (img_key)"),
        ("a < b & c > d", "a &#60; b & c &#62; d"),
        ("&amp;lt; is &lt;", "&#38;lt; is &#60;"),
        ("2 \\* 3 = snake_case_", "2 &#42; 3 = snake_case&#95;"),
        ("costs $5 and $6", "costs &#36;5 and &#36;6"),
        ("\\# no heading", "&#35; no heading"),
        ("1\\. no list", "1\u200b. no list"),
        ("`a``b`", "`a``b`"),
        (TABLE, "| a | b |\n| --- | --: |\n| 1 | **2** |"),
        ("nul \x00 and \ud800 half", "nul  and  half"),
    ],
)
def test_markdown_becomes_what_a_card_shows(markdown: str, card: str) -> None:
    assert card_markdown(markdown) == card.replace("`a``b`", "`aˋˋb`")


@pytest.mark.parametrize("ping", PINGS)
@pytest.mark.parametrize(
    "around", ["{}", "x {} y", "`{}`", "```\n{}\n```", "**{}**", "# {}", "- {}", "> {}", "| {} |\n|---|"]
)
def test_no_text_pings_anybody(ping: str, around: str) -> None:
    card = card_markdown(around.format(ping))
    assert not list(ats(card)), "not even where code might be read as text"
    assert "<person" not in card
    assert not list(ats(defused(ping)))


def test_a_ping_that_comes_in_pieces_never_shows_on_the_way() -> None:
    text = f"Look: {PINGS[0]} and `{PINGS[1]}` and\n```\n{PINGS[2]}\n```\n"
    for end in range(len(text) + 1):
        assert not list(ats(card_markdown(presentable(text[:end]))))


def test_what_people_read_is_what_was_written() -> None:
    text = "2 * 3 < 7 & [x] $5 snake_case #1 a~b |pipe| `c`"
    assert rendered(card_markdown(text), {}).replace("`", "") == text.replace("`", "")


def test_the_sixth_table_is_aligned_text() -> None:
    card = card_markdown("\n\n".join([TABLE] * 7))
    assert tables(card) == 5
    assert card.count("a │ b") == 2
    assert tables(card_markdown(TABLE, tables=0)) == 0
    assert "1 │ 2" in card_markdown(TABLE, tables=0)


def test_a_table_in_a_list_counts_as_well() -> None:
    assert tables(prose(card_markdown("- " + TABLE.replace("\n", "\n  "), tables=0))) == 0


def test_wide_characters_take_two_columns() -> None:
    assert "文字 │ b\n─────┼──\n1    │ 2" in card_markdown("| 文字 | b |\n|---|---|\n| 1 | 2 |", tables=0)


@pytest.mark.parametrize(("text", "bytes"), [("", 0), ("abc", 3), ("文", 3), ('"', 4), ("\n", 3), ("😀", 4)])
def test_a_text_weighs_what_it_takes_in_a_request(text: str, bytes: int) -> None:
    assert cards.weight(text) == bytes
    whole, empty = (len(cards.dumps({"content": cards.dumps({"c": each})}).encode()) for each in (text, ""))
    assert whole - empty == bytes


def test_every_part_of_a_long_text_fits_into_a_card() -> None:
    text = 'She said "no".\n\n文字 and **more** `code`\n\n' * 3000
    parts = split(text, lambda part: cards.weight(card_markdown(part)) <= cards.MOST)
    assert len(parts) > 5
    for part in parts:
        form = cards.card(card_blocks(part), (), HERE, summary=cards.summary(part), mark="t1")
        assert len(cards.dumps(cards.dumps(form)).encode()) < cards.REQUEST


def test_buttons_carry_where_they_stand() -> None:
    form = cards.card(["Sure?"], (Action("Allow", "/allow 1", "primary"),), HERE, summary="Sure?", mark="t1")
    button = form["body"]["elements"][1]["columns"][0]["elements"][0]
    assert button["type"] == "primary"
    assert button["behaviors"][0]["value"] == {"botkit": "/allow 1", "topic": "om_1", "direct": False}


def test_without_a_card_the_buttons_are_commands() -> None:
    words = cards.words(Outgoing("**Sure?** <at id=all></at>", (Action("Allow", "/allow 1"),)))
    assert words == "Sure? <\u200bat id=all><\u200b/at>\nAllow: /allow 1"


def test_a_summary_is_the_first_words() -> None:
    assert cards.summary("# Title\n\n**bold** text") == "Title bold text"
    assert len(cards.summary("word " * 500)) == cards.SUMMARY


def test_names_given_to_feishu_fit() -> None:
    for nonce in ("", "n" * 400, "文"):
        assert len(cards.uuid(nonce)) <= 50
        assert len(cards.mark_of(nonce, streams=True)) == 20
        assert cards.mark_of(nonce, streams=True)[0].isalpha()
    assert cards.mark_of("a", streams=True) != cards.mark_of("a", streams=False)


def test_what_people_may_open_is_closed_at_first() -> None:
    shown = folded("Bash: 3 lines", "a\nb <at id=all></at>")
    text = f"Before\n\n{shown}\n\nAfter\n\n- 1"
    assert card_blocks(text) == [
        "Before",
        Folded("Bash: 3 lines", "```\na\nb <\u200bat id=all><\u200b/at>\n```"),
        "After\n\n- 1",
    ]
    form = cards.card(card_blocks(text), (), HERE, summary="Before", mark="t1")
    assert [element["tag"] for element in form["body"]["elements"]] == ["markdown", "collapsible_panel", "markdown"]
    assert form["body"]["elements"][1]["expanded"] is False
    assert "folded" not in card_markdown(text)
    alone = cards.card(card_blocks(folded("T", "x")), (), HERE, summary="T", mark="t1")
    assert alone["body"]["elements"][0] == {"tag": "markdown", "element_id": "t1", "content": cards.EMPTY}
    assert card_blocks("") == []
