"""How texts and buttons are put into Slack's blocks."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.slack.blocks import arguments, sections
from botkit.model import Action, Conversation

WHERE = Conversation("slack", "T1", "C1", "5.000001")


def test_text_alone_needs_no_blocks_and_removes_old_ones() -> None:
    assert arguments("hi", (), style="mrkdwn", conversation=WHERE) == {
        "text": "hi",
        "blocks": [],
        "parse": "none",
        "link_names": False,
    }


def test_a_long_code_block_is_closed_and_opened_between_sections() -> None:
    parts = list(sections("before\n```\n" + "code line\n" * 700 + "```\nafter"))
    assert len(parts) == 3
    assert all(part.count("```") % 2 == 0 and len(part) <= 3000 for part in parts)


@settings(deadline=None)
@given(st.text(st.sampled_from("a `\n"), min_size=1, max_size=300).map(lambda text: text * 30))
def test_every_section_fits(text: str) -> None:
    assert all(0 < len(part) <= 3000 for part in sections(text))


def test_many_buttons_and_long_labels_fit() -> None:
    actions = [Action("label " * 20, "/command " + "x" * 3000, "danger") for _ in range(30)]
    made = arguments("", actions, style="mrkdwn", conversation=WHERE)
    blocks = msgspec.convert(made["blocks"], list[dict[str, Any]])
    assert [len(block["elements"]) for block in blocks] == [25, 5]
    button = blocks[0]["elements"][0]
    assert (len(button["text"]["text"]), len(button["value"]), button["style"]) == (75, 2000, "danger")
    assert blocks[1]["block_id"] == "botkit:5.000001:25"
    assert made["text"] == "…"
