"""Tables where there is only a fixed-width font."""

from __future__ import annotations

from botkit.tables import aligned, width


def test_columns_stand_under_each_other_also_with_wide_characters() -> None:
    assert aligned([["水果", "n"], ["苹果汁", "10"], ["fig", "2"]]) == (
        "水果   │ n\n───────┼───\n苹果汁 │ 10\nfig    │ 2"
    )
    assert (width("苹果"), width("é"), width("e\u0301")) == (4, 1, 1)


def test_rows_may_be_short_and_cells_may_have_several_lines() -> None:
    assert aligned([["a", "b"], ["one\ntwo"]]) == "a       │ b\n────────┼──\none two │"
    assert aligned([]) == ""
