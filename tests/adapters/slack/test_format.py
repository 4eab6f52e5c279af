"""Markdown as it looks in Slack, and what it must never do there."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.slack.format import defused, mrkdwn
from botkit.markdown import folded

EDGE = "\u200b"


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("plain", "plain"),
        (folded("✓ Bash: a_*", "<!here> x"), "_✓ Bash: a_*_\n\n```\n&lt;!here&gt; x\n```"),
        ("**bold** *it* ~~gone~~ `code`", "*bold* _it_ ~gone~ `code`"),
        ("***both***", "_*both*_"),
        ("# a **b** *c*", "*a b _c_*"),
        ("# Title\n\ntext", "*Title*\n\ntext"),
        ("## A **bold** title", "*A bold title*"),
        ("**two\nlines**", "*two*\n*lines*"),
        ("这是**重点**内容", f"这是{EDGE}*重点*{EDGE}内容"),
        ("snake_case_name", "snake_case_name"),
        ("[label](https://a.b/c)", "<https://a.b/c|label>"),
        ("[a **b** `c`](https://a.b)", "<https://a.b|a b c>"),
        ("[https://a.b](https://a.b)", "<https://a.b>"),
        ("[here](./docs/x.md)", "here (./docs/x.md)"),
        ("[x](<!channel>)", "x (!channel)"),
        ("![alt](https://a.b/i.png)", "<https://a.b/i.png|alt>"),
        ("<https://a.b/?x=1&y=2>", "<https://a.b/?x=1&amp;y=2>"),
        ("see https://a.b/c?d=1&e=2.", "see <https://a.b/c?d=1&amp;e=2>."),
        ("(https://a.b/c)", "(<https://a.b/c>)"),
        ("`https://a.b`", "`https://a.b`"),
        ("1 < 2 && 3 > 2", "1 &lt; 2 &amp;&amp; 3 &gt; 2"),
        ("&lt;!here&gt; &amp;", "&lt;!here&gt; &amp;"),
        ("<!channel> <@U1> <!subteam^S1|x>", "&lt;!channel&gt; &lt;@U1&gt; &lt;!subteam^S1|x&gt;"),
        ("<b>html</b>", "&lt;b&gt;html&lt;/b&gt;"),
        ("- a\n- b\n  - c", "• a\n• b\n    • c"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("- [ ] todo", "• [ ] todo"),
        ("> a\n> b\n\nc", "> a\n> b\n\nc"),
        ("```py\nif a < b:\n    pass\n```", "```\nif a &lt; b:\n    pass\n```"),
        ("- x\n  ```\n  y\n  ```", "• x\n```\ny\n```"),
        ("````\n```\n````", f"```\n`{EDGE}``\n```"),
        ("a  \nb", "a\nb"),
        ("---", "────────"),
        ("", ""),
    ],
)
def test_markdown_looks_right_in_slack(markdown: str, shown: str) -> None:
    assert mrkdwn(markdown) == shown


def test_a_table_is_aligned_also_with_wide_characters() -> None:
    table = mrkdwn("| name | 数量 |\n|---|---:|\n| 苹果 | 3 |\n| **pear** | `12` |")
    lines = table.split("\n")
    assert (lines[0], lines[-1]) == ("```", "```")
    assert [line.replace("┼", "│").index("│") for line in lines[1:-1]] == [5, 5, 3, 5]
    assert lines[4] == "pear │ 12"


SLACK = st.text("<>!@#|&*_~`[]()^ \n-:/\\aé重", max_size=40)
TEMPTING = [
    *(
        "<!channel>",
        "<@U1>",
        "<!subteam^S1>",
        "<",
        ">",
        "!",
        "@here",
        "[",
        "](",
        ")",
        "![",
        "https://x",
        "&lt;",
        "&#60;",
    ),
    *("`", "```", "\n", "\n> ", "- ", "| ", "|-|\n", "\\", "*", "_", "~~", "a"),
]
PINGS = st.lists(st.sampled_from(TEMPTING), max_size=14).map("".join)


@settings(deadline=None)
@given(PINGS | SLACK | st.text(max_size=60))
@example("[<!channel>](https://a.b)")
@example("[x](https://a.b/<!channel>)")
@example("https://a.b/<!channel>")
@example("[x](https://a|!channel)")
@example(">- >")
def test_no_text_can_ping_anybody(markdown: str) -> None:
    shown = mrkdwn(markdown)
    without_links = re.sub(r"<(?:https?://|mailto:|tel:)[^<>|\s]+(?:\|[^<>\n]*)?>", "", shown, flags=re.IGNORECASE)
    assert "<" not in without_links
    assert ">" not in re.sub(r"^(?:    |• |\d+\. |> ?)+", "", without_links, flags=re.MULTILINE)
    assert not re.search(r"&(?!amp;|lt;|gt;)", without_links)


@settings(deadline=None)
@given(PINGS)
def test_no_markdown_block_can_ping_anybody(markdown: str) -> None:
    assert not re.search(r"<[!@#]", defused(markdown))
    assert defused(markdown).replace(EDGE, "") == markdown
