"""What people see of a turn while it runs and when it has ended."""

from __future__ import annotations

from typing import get_args

import pytest

from botkit import texts
from botkit.events import (
    ApprovalAsked,
    Compacting,
    FailureReason,
    Notice,
    RequestClosed,
    Retrying,
    TextDelta,
    ThinkingDelta,
    Todo,
    TodoChanged,
    ToolFinished,
    ToolStarted,
    TurnEvent,
    TurnFailed,
    TurnFinished,
    TurnStarted,
    Usage,
    Waiting,
)
from botkit.view import Display, View

ALL = Display(thinking=True)
BARE = Display(footer=False, tools=False)


def seen(*events: TurnEvent, resumed: str = "", display: Display = BARE, final: bool = False) -> str:
    view = View(resumed)
    for event in events:
        view.fold(event)
    return view.body(display, final=final)


def ended(*events: TurnEvent, resumed: str = "", display: Display = BARE) -> str:
    return seen(*events, resumed=resumed, display=display, final=True)


def test_nothing_is_seen_before_anything_happens() -> None:
    assert seen() == seen(TurnStarted("s", "m")) == seen(Waiting(0)) == seen(TextDelta("")) == ""


def test_text_grows_and_says_that_more_is_coming() -> None:
    assert seen(TextDelta("**Hel"), TextDelta("lo")) == f"**Hello**\n\n{texts.WORKING}"


def test_text_after_a_tool_begins_a_new_paragraph() -> None:
    body = ended(TextDelta("Let me look."), ToolStarted("t", "Read", "a"), ToolFinished("t", ok=True), TextDelta("So:"))
    assert body.startswith("Let me look.\n\nSo:")


def test_the_outcomes_text_replaces_what_was_heard_so_far() -> None:
    assert ended(TextDelta("Helo"), TurnFinished("Hello")) == "Hello"


def test_an_outcome_without_text_keeps_what_was_heard_so_far() -> None:
    assert ended(TextDelta("Hello"), TurnFinished("")) == "Hello"


def test_an_end_without_any_text_is_seen_as_an_end() -> None:
    assert ended(TurnFinished("")) == texts.NO_TEXT
    assert ended(Notice("Told."), TurnFinished("")) == "Told."


def test_tools_are_lines_that_change_from_running_to_done_or_failed() -> None:
    events = (
        ToolStarted("1", "Bash", "ls\n-la"),
        ToolStarted("2", "Read", "a`b.py"),
        ToolStarted("3", "Grep", "foo"),
        ToolFinished("2", ok=True, output="text"),
        ToolFinished("3", ok=False, output="no such file\nmore"),
    )
    lines = seen(*events, display=ALL).split("\n")
    assert lines[:3] == ["- ⏳ Bash `ls -la`", "- ✓ Read ``a`b.py``", "- ✗ Grep `foo`: `no such file`"]


def test_a_sub_agents_tools_stand_indented_under_it() -> None:
    events = (
        ToolStarted("1", "Task", "explore"),
        ToolStarted("2", "Bash", "ls"),
        ToolStarted("3", "Grep", "foo", parent="1"),
        TextDelta("words of the sub-agent", parent="1"),
    )
    body = seen(*events, display=ALL)
    assert body.startswith("- ⏳ Task `explore`\n  - ⏳ Grep `foo`\n- ⏳ Bash `ls`")
    assert "words of the sub-agent" not in body


def test_of_many_tools_only_the_last_ones_are_listed() -> None:
    view = View()
    for number in range(1000):
        view.fold(ToolStarted(str(number), "Bash", f"step {number}"))
        view.fold(ToolFinished(str(number), ok=True))
    body = view.body(ALL, final=False)
    assert texts.earlier_tools(995) in body
    assert "step 999" in body
    assert "step 994`" not in body


def test_tools_are_not_listed_when_they_are_turned_off() -> None:
    assert seen(TextDelta("x"), ToolStarted("1", "Bash", "ls")) == f"x\n\n{texts.WORKING}"


def test_thinking_is_shown_only_where_it_is_wanted_and_until_there_is_text() -> None:
    assert seen(ThinkingDelta("Hmm, well"), display=ALL).startswith("> Hmm, well")
    assert seen(ThinkingDelta("Hmm, well")) == ""
    assert "Hmm" not in seen(ThinkingDelta("Hmm, well"), TextDelta("So"), display=ALL)
    assert "Hmm" not in ended(ThinkingDelta("Hmm, well"), TurnFinished("So"), display=ALL)


def test_the_task_list_is_shown_as_it_is_now() -> None:
    todos = (Todo("Read", "done"), Todo("Write", "active"), Todo("Rest", "pending"))
    assert seen(TodoChanged((Todo("Old", "active"),)), TodoChanged(todos)).startswith("- ☑ Read\n- ▶ Write\n- ☐ Rest")


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Waiting(1), "_Waiting: 1 other turn goes first._"),
        (Waiting(3), "_Waiting: 3 other turns go first._"),
        (Retrying(2, 4.0, 529), "_The model's API answered 529; attempt 2 in 4 s._"),
        (Retrying(2, 4.0, 0), "_The model's API did not answer; attempt 2 in 4 s._"),
        (Compacting(active=True), texts.COMPACTING),
    ],
)
def test_what_is_waited_for_is_said_until_it_is_over(event: TurnEvent, line: str) -> None:
    assert seen(event) == line
    assert seen(event, TextDelta("on")) == f"on\n\n{texts.WORKING}"
    assert line not in ended(event, TurnFinished("done"))


def test_an_open_request_is_pointed_at_until_it_is_closed() -> None:
    asked, closed = ApprovalAsked("r", "Bash", "ls"), RequestClosed("r", allowed=True, text="ok")
    assert seen(TextDelta("x"), asked) == f"x\n\n{texts.ASKED}"
    assert seen(TextDelta("x"), asked, closed) == f"x\n\n{texts.WORKING}"
    assert seen(TextDelta("x"), RequestClosed("unknown", allowed=True, text="ok")) == f"x\n\n{texts.WORKING}"


def test_the_footer_names_time_cost_and_tools_and_can_be_turned_off() -> None:
    outcome = TurnFinished("done", Usage(cost=0.0042, seconds=65.4, tools=2))
    assert ended(outcome, display=ALL) == "done\n\n_1 min 05 s · $0.0042 · 2 tools_"
    assert ended(outcome) == "done"
    assert ended(TurnFinished("done"), display=ALL) == "done"


def test_refused_tools_are_named_at_the_end() -> None:
    assert ended(TurnFinished("done", denials=("Bash: rm",))) == "done\n\n🚫 Not allowed: `Bash: rm`"


@pytest.mark.parametrize("reason", get_args(FailureReason))
def test_every_failure_has_its_own_words_and_keeps_the_partial_text(reason: FailureReason) -> None:
    body = ended(TextDelta("partial"), TurnFailed(reason, detail="why `exactly`"))
    assert body.startswith("partial\n\n")
    assert texts.FAILURES[reason] in body
    assert "`` why `exactly` ``" in body
    assert (texts.CUT in body) == (reason != "stopped")


def test_a_failure_without_text_has_nothing_to_mark_as_cut() -> None:
    assert ended(TurnFailed("login")) == texts.FAILURES["login"]


def test_a_failures_long_detail_is_shown_as_a_block() -> None:
    assert ended(TurnFailed("crashed", detail="line 1\nline 2")).endswith("```\nline 1\nline 2\n```")


def test_without_an_outcome_the_end_is_an_interruption() -> None:
    assert ended(TextDelta("partial")) == f"partial\n\n{texts.INTERRUPTED}"


def test_a_resumed_turn_keeps_the_earlier_text_and_says_where_it_broke() -> None:
    assert seen(resumed="before") == f"before\n\n{texts.RESUMED}\n\n{texts.WORKING}"
    whole = f"before\n\n{texts.RESUMED}\n\nafter"
    assert ended(TurnStarted("s", "m"), TurnFinished("after"), resumed="before") == whole
    assert ended(TextDelta("aft"), TurnFinished("after"), resumed="before") == whole


def test_an_outcome_from_before_the_restart_replaces_the_earlier_text() -> None:
    assert ended(TurnFinished("the whole answer"), resumed="the whole") == "the whole answer"


def test_a_resumed_turn_that_fails_at_once_keeps_the_earlier_text() -> None:
    assert ended(TurnFailed("gave_up"), resumed="before").startswith("before\n\n")


def test_the_text_to_remember_is_claudes_without_status_and_footer() -> None:
    view = View("before")
    for event in (TurnStarted("s", "m"), ToolStarted("1", "Bash", "ls"), TextDelta("after")):
        view.fold(event)
    assert view.text == f"before\n\n{texts.RESUMED}\n\nafter"


def test_only_the_first_outcome_counts() -> None:
    assert ended(TurnFinished("done"), TurnFailed("crashed")) == "done"


def test_what_follows_a_cut_code_block_is_not_inside_it() -> None:
    view = View()
    view.fold(TextDelta("look:\n```py\nx = 1"))
    view.fold(TurnFailed("stopped"))
    assert view.body(Display(), final=True).startswith("look:\n```py\nx = 1\n```\n")


def test_what_the_api_said_is_not_said_twice() -> None:
    view = View()
    view.fold(TextDelta("API Error: 529 overloaded"))
    view.fold(TurnFailed("api", "API Error: 529 overloaded"))
    assert view.body(Display(), final=True).count("529") == 1


def test_the_list_and_the_question_are_no_tool_lines() -> None:
    view = View()
    for name in ("TodoWrite", "AskUserQuestion", "Bash"):
        view.fold(ToolStarted(name, name, "x"))
    body = view.body(Display(), final=False)
    assert "Bash" in body
    assert "TodoWrite" not in body
    assert "AskUserQuestion" not in body


def test_a_turn_that_was_cut_off_before_anything_was_seen_says_so() -> None:
    view = View("", interrupted=True)
    view.fold(TurnStarted("s", "m"))
    view.fold(TextDelta("done"))
    view.fold(TurnFinished("done"))
    assert view.body(Display(), final=True) == f"{texts.RESUMED}\n\ndone"
