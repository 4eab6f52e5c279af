"""Claude's Markdown as people read it in Discord."""

from __future__ import annotations

import pytest

from adapters.discord.format import discord_markdown
from botkit.markdown import folded


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("", ""),
        ("**b** __b__ *i* _i_ ~~s~~", "**b** **b** *i* *i* ~~s~~"),
        ("# One\n\n### Three\n\n#### Four **b**", "# One\n\n### Three\n\n**Four b**"),
        ("- a\n  - b\n- c", "- a\n  - b\n- c"),
        ("3. x\n4. y", "3. x\n4. y"),
        ("> q\n> r", "> q\n> r"),
        ("---", "────────"),
        ("```py\nx = 1\n```", "```py\nx = 1\n```"),
        ("````\n```\ninside\n```\n````", "```\n`\u200b``\ninside\n`\u200b``\n```"),
        ("`a` ``b`c``", "`a` ``b`c``"),
        ("snake_case_name 2 * 3 * 4", "snake_case_name 2 \\* 3 \\* 4"),
        (r"\*plain\* \# no 1\. no", r"\*plain\* # no 1. no"),
        ("\\# no\n1\\. no\n\\- no\n\\> no", "\\# no\n1\\. no\n\\- no\n\\> no"),
        ("a ||b|| c", r"a \|\|b\|\| c"),
        ("1 < 2 && <div>", "1 < 2 && <div>"),
        ("see https://a.test/x_y_z.", "see <https://a.test/x_y_z>."),
        ("[here](https://a.test/(x))", "[here](<https://a.test/(x)>)"),
        ("[https://good.test](https://bad.test)", "<https://bad.test> (<https://good.test>)"),
        ("[file](./a.py)", "file (./a.py)"),
        ("![alt](https://a.test/i.png)", "[alt](<https://a.test/i.png>)"),
        ("half **open", r"half \*\*open"),
        (folded("✓ Bash: a_*", "x || `y`"), "-# ✓ Bash: a\\_\\*\n||```\nx |\u200b| `y`\n```||"),
    ],
)
def test_markdown_looks_as_it_was_meant(markdown: str, shown: str) -> None:
    assert discord_markdown(markdown) == shown


@pytest.mark.parametrize(
    "ping",
    ["@everyone", "@here", "<@1>", "<@!1>", "<@&1>", "<#1>", "<:e:1>", "<a:e:1>", "<t:1:R>", "</x:1>", "<id:home>"],
)
def test_no_text_is_a_ping_or_a_token_of_discords(ping: str) -> None:
    assert ping not in discord_markdown(f"hello {ping}")
    assert ping not in discord_markdown(f"**{ping}** [{ping}](https://a.test)")
    assert ping in discord_markdown(f"`{ping}`")  # in code Discord reads none


def test_a_table_is_aligned_also_with_wide_characters() -> None:
    assert discord_markdown("| a | 名前 |\n|---|---|\n| long | x |\n| y | 中文字 |") == (
        "```\na    │ 名前\n─────┼───────\nlong │ x\ny    │ 中文字\n```"
    )


def test_code_in_a_list_is_not_shifted() -> None:
    assert discord_markdown("- x\n\n  ```\n  a\n    b\n  ```\n- y") == "- x\n```\na\n  b\n```\n\n- y"
