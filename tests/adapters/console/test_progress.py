"""What is settled is printed once; the final text is what counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.console.progress import Progress, settled
from adapters.console.safe import safe
from botkit.display import Display
from botkit.events import (
    Compacting,
    FileOffered,
    Notice,
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
    Waiting,
)


def printed(*events: TurnEvent, display: Display | None = None) -> list[str]:
    """Everything printed for good, looking at it after every event."""
    progress = Progress(display or Display(footer=False))
    texts: list[str] = []
    for event in events:
        progress.fold(event)
        texts += [block.text for block in progress.take()]
    return texts


def test_a_file_stands_between_what_was_said_before_and_after_it() -> None:
    file = FileOffered(Path("/srv/a.txt"), "a.txt", "", Path("/srv/sent-1"), "1")
    said = printed(TextDelta("Before"), file, TextDelta("After"), TurnFinished("BeforeAfter"))
    assert said == ["Before", "📎 `a.txt`: `/srv/a.txt`", "After"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one paragraph", ""),
        ("first\n\nsecond", "first\n\n"),
        ("- a\n- b\n\n- c", ""),
        ("```\na\n\nb", ""),
        ("```\na\n```\nnext", "```\na\n```\n"),
        ("| a |\n| - |\n| 1 |\n", ""),
        ("# Title\ntext", "# Title\n"),
    ],
)
def test_only_what_will_not_change_is_settled(text: str, expected: str) -> None:
    assert text[: settled(text)] == expected


@pytest.mark.parametrize(
    ("deltas", "final", "expected"),
    [
        (["a\n\n", "b"], "a\n\nb", ["a", "b"]),
        (["a\n\n", "b"], "b", ["a", "b"]),
        (["a\n\n", "b"], "a\n\nc", ["a", "c"]),
        (["a\n\n", "b"], "x", ["a", "x"]),
        (["a"], "b", ["b"]),
        (["a"], "", ["a"]),
        ([], "whole", ["whole"]),
    ],
)
def test_the_final_text_is_printed_but_nothing_twice(deltas: list[str], final: str, expected: list[str]) -> None:
    assert printed(*map(TextDelta, deltas), TurnFinished(final)) == expected


def test_tools_stand_between_the_texts_around_them() -> None:
    assert printed(
        TextDelta("before"),
        ToolStarted("1", "Task", "look"),
        ToolStarted("2", "Bash", "ls", parent="1"),
        TextDelta("of the sub-agent", parent="1"),
        ToolFinished("2", ok=False, output="no such\nfile"),
        ToolFinished("1", ok=True),
        ToolFinished("unknown", ok=True),
        TextDelta("after"),
        TurnFinished("before\n\nafter", denials=("Write x",)),
    ) == ["before", "✗   Bash: ls — no such", "✓ Task: look", "after", "🚫 Not allowed: `Write x`"]


def test_a_failure_keeps_the_text_and_says_why() -> None:
    *before, why = printed(TextDelta("half"), Notice("by the way"), TurnFailed("crashed", "exit code 1"))
    assert before == ["half", "by the way"]
    assert "exit code 1" in why


def test_what_goes_on_is_shown_below() -> None:
    progress = Progress(Display("full"), resumed="earlier")
    assert progress.take()[0].text.startswith("earlier")
    tails: list[str] = []
    for event in (
        Waiting(2),
        Retrying(1, 2.0, 529),
        Compacting(active=True),
        Compacting(active=False),
        ThinkingDelta("hm"),
        ToolStarted("1", "Bash", "ls"),
        TodoChanged((Todo("Look", "active"),)),
    ):
        progress.fold(event)
        tails.append("\n".join(block.text for block in progress.tail()))
    assert "2 other turns" in tails[0]
    assert "529" in tails[1]
    assert tails[3] == "Working…"
    assert tails[4] == "hm\nWorking…"
    assert tails[6] == "⏳ Bash: ls\n▶ Look\nWorking…"
    progress.end(None)
    assert progress.tail() == []
    assert "Interrupted" in "".join(block.text for block in progress.take())


def test_nothing_can_steer_the_terminal() -> None:
    assert safe("a\x1b[2J\x07\r\nb\tc\rd\x9b1m\x7f\u202ee") == "a␛[2J␇\nb\tc␍d\ufffd1m␡\ufffde"


def test_of_a_long_block_its_head_and_its_end_are_shown() -> None:
    progress = Progress(Display())
    progress.fold(TextDelta("```python\n" + "".join(f"line {number}\n" for number in range(500))))
    shown = progress.tail()[0].text
    assert shown.startswith("```python\nline 441\n")
    assert shown.endswith("line 499\n```")
    progress = Progress(Display())
    progress.fold(TextDelta("x" * 1_000_000))
    assert len(progress.tail()[0].text) < 10_000


WORK = (
    ThinkingDelta("I think"),
    TextDelta("First this.\n\nThen"),
    ToolStarted("1", "Bash", "seq 99"),
    ToolFinished("1", ok=True, output="\n".join(str(number) for number in range(1, 100))),
    TodoChanged((Todo("Look", "done"),)),
    TextDelta(" that."),
    TurnFinished("First this.\n\nThen that."),
)


def test_quiet_prints_the_answer_when_it_is_there() -> None:
    quiet = Display("quiet", footer=False)
    assert printed(*WORK[:-1], display=quiet) == []
    assert printed(*WORK, display=quiet) == ["First this.\n\nThen that."]
    progress = Progress(quiet)
    for event in WORK[:-1]:
        progress.fold(event)
    assert [block.text for block in progress.tail()] == ["Working…"]


def test_full_prints_thoughts_and_the_beginning_of_what_tools_answer() -> None:
    said = printed(*WORK, display=Display("full", footer=False))
    assert said[:4] == ["I think", "First this.", "Then", "✓ Bash: seq 99"]
    assert said[4].startswith("1\n2\n")
    assert said[4].endswith("\n20\n… 79 more lines")
    assert "I think" not in printed(*WORK)


def test_the_time_is_shown_while_claude_works() -> None:
    progress = Progress(Display())
    assert not progress.working
    progress.fold(TextDelta("x"))
    progress.elapsed = 75.0
    assert progress.working
    assert progress.tail()[-1].text == "Working… 1 min 15 s"
    progress.ask("May I?")
    assert not progress.working
    assert progress.tail()[-1].text == "Waiting for your answer to what is above."
