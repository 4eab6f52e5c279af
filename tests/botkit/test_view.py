"""What people see of a turn while it runs and when it has ended."""

from __future__ import annotations

from typing import get_args

import pytest

from botkit import texts
from botkit.display import Display
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
from botkit.view import View

ALL = Display()
BARE = Display(footer=False)
FULL = Display("full", footer=False)
QUIET = Display("quiet")


def seen(*events: TurnEvent, resumed: str = "", display: Display = BARE, final: bool = False) -> str:
    view = View(resumed)
    for event in events:
        view.fold(event)
    return view.body(display, final=final)


def ended(*events: TurnEvent, resumed: str = "", display: Display = BARE) -> str:
    return seen(*events, resumed=resumed, display=display, final=True)


def test_nothing_is_seen_before_anything_happens() -> None:
    assert seen() == seen(TurnStarted("s", "m")) == seen(Waiting(0)) == seen(TextDelta("")) == ""


def test_what_another_message_says_as_well_is_worth_none_but_is_kept_where_it_stands() -> None:
    assert seen(Waiting(2, aside=True)) == ""
    assert seen(Waiting(2, aside=True), TurnFailed("stopped", aside=True), final=True) == ""
    assert seen(TurnFinished("Too many.", refused="queue_full", retry_after=5.0, aside=True), final=True) == ""
    assert "2 other turns" in seen(Waiting(1, 1), Waiting(2, aside=True))
    assert "⏹️" in seen(Waiting(1, 1), TurnFailed("stopped", aside=True), final=True)


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


WORK = (
    TurnStarted("s", "m"),
    ThinkingDelta("Hmm, "),
    ThinkingDelta("well", parent=""),
    ThinkingDelta("not mine", parent="1"),
    ToolStarted("1", "Bash", "seq 20"),
    ToolFinished("1", ok=True, output="\n".join(str(number) for number in range(1, 21))),
    ToolStarted("2", "Read", "a`b"),
    TextDelta("So"),
)


def test_quiet_shows_nothing_but_how_it_ends() -> None:
    assert seen(*WORK, Waiting(2), TodoChanged((Todo("Read", "done"),)), display=QUIET) == ""
    assert ended(*WORK, TurnFinished("So.", Usage(seconds=2)), display=QUIET) == "So.\n\n_2.0 s_"
    assert texts.FAILURES["crashed"] in ended(*WORK, TurnFailed("crashed"), display=QUIET)


def test_normal_shows_a_line_for_each_tool_and_no_more_of_it() -> None:
    assert seen(*WORK) == f"So\n\n- ✓ Bash `seq 20`\n- ⏳ Read ``a`b``\n\n{texts.WORKING}"
    assert ended(*WORK, TurnFinished("So.")) == "So."


FOLDS = """\
```folded Thought
Hmm, well
```

```folded ✓ Bash: seq 20
1
2
3
4
5
6
7
8
… 12 more lines
```
"""


def test_full_folds_what_claude_thinks_and_what_tools_answer_and_keeps_it() -> None:
    assert seen(*WORK, display=FULL) == f"So\n\n{FOLDS}\n- ⏳ Read ``a`b``\n\n{texts.WORKING}"
    end = (ToolFinished("2", ok=False, output="a`b does not exist"), TurnFinished("So."))
    last = "```folded ✗ Read: a'b\na`b does not exist\n```"
    assert ended(*WORK, *end, display=FULL) == f"So.\n\n{FOLDS}\n{last}"


def test_of_a_thought_that_goes_on_the_end_is_shown() -> None:
    body = seen(ThinkingDelta("\n".join(f"idea {number}" for number in range(100))), display=FULL)
    assert body.startswith("```folded Thought\n… 92 more lines\nidea 92\n")


def test_of_many_thoughts_and_outputs_only_the_last_are_shown() -> None:
    view = View()
    for number in range(300):
        view.fold(ThinkingDelta(f"thought {number}. "))
        view.fold(ToolStarted(str(number), "Bash", f"step {number}"))
        view.fold(ToolFinished(str(number), ok=True, output="x" * 4000))
    assert len(view.body(FULL, final=True)) < 6000
    assert "step 295" in view.body(FULL, final=True)
    assert "step 295" not in view.body(FULL, final=False)


def test_steps_are_values_for_platforms_that_draw_them() -> None:
    view = View()
    for event in WORK:
        view.fold(event)
    assert view.steps(QUIET) == ()
    assert [(step.title, step.state) for step in view.steps(ALL)] == [
        ("Bash: seq 20", "done"),
        ("Read: a`b", "running"),
    ]
    thought, *_ = view.steps(FULL)
    assert (thought.title, thought.state, thought.detail) == ("", "done", "Hmm, well")


@pytest.mark.parametrize(
    ("seconds", "said"), [(9.9, "_Working…_"), (10, "_Working… 10 s_"), (75, "_Working… 1 min 15 s_")]
)
def test_what_takes_long_says_for_how_long(seconds: float, said: str) -> None:
    view = View()
    view.fold(TextDelta("x"))
    view.elapsed = seconds
    assert view.body(ALL, final=False) == f"x\n\n{said}"


def test_time_goes_on_while_claude_works_and_nobody_is_asked() -> None:
    view = View()
    works: list[bool] = [view.working]
    for event in (
        Waiting(1),
        TurnStarted("s", "m"),
        ApprovalAsked("r", "Bash", "ls"),
        RequestClosed("r", allowed=True, text="ok"),
        TurnFinished("done"),
    ):
        view.fold(event)
        works.append(view.working)
    assert works == [False, False, True, False, True, False]


def test_the_task_list_is_shown_as_it_is_now() -> None:
    todos = (Todo("Read", "done"), Todo("Write", "active"), Todo("Rest", "pending"))
    assert seen(TodoChanged((Todo("Old", "active"),)), TodoChanged(todos)).startswith("- ☑ Read\n- ▶ Write\n- ☐ Rest")


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Waiting(1), "_Waiting: 1 other turn goes first._"),
        (Waiting(3), "_Waiting: 3 other turns go first._"),
        (Waiting(1, 1), "_Waiting: 1 other turn goes first. 1 more message waits behind this one._"),
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
