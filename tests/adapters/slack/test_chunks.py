"""What is sent to a native stream, and what stands in for it where there is none."""

from __future__ import annotations

from adapters.slack.chunks import TASK_BYTES, TASKS, Held, chunks, flat, missing
from botkit.events import Todo
from botkit.model import Outgoing
from botkit.steps import Step

Json = dict[str, object]


def live(*steps: Step, text: str = "", todos: tuple[Todo, ...] = (), status: str = "") -> Outgoing:
    return Outgoing(text, live=True, steps=steps, todos=todos, status=status)


def kinds(made: list[Json]) -> list[object]:
    return [chunk["type"] for chunk in made]


def test_only_what_is_missing_is_added() -> None:
    assert missing(Held("Hello "), "Hello world") == "world"
    assert missing(Held("Hello\n\n"), "Hello") == ""
    assert missing(Held("Hello there"), "Hello world") is None


def test_text_alone_is_one_chunk_and_makes_no_plan() -> None:
    made, held = chunks(Held(), "Hello ", live(text="Hello "))
    assert made == [{"type": "markdown_text", "text": "Hello "}]
    assert chunks(held, "", live(text="Hello ")) == ([], held)


def test_a_tool_is_a_task_that_is_told_once_and_again_when_it_changes() -> None:
    made, held = chunks(Held(), "", live(Step("1", "Bash", "ls")))
    assert made == [
        {"type": "plan_update", "title": "Working…"},
        {"type": "task_update", "id": "1", "title": "Bash: ls", "status": "in_progress"},
    ]
    assert chunks(held, "", live(Step("1", "Bash", "ls")))[0] == []
    failed = live(Step("1", "Bash", "ls", "failed", "no such file\nmore"))
    made, held = chunks(held, "", failed)
    assert made == [
        {"type": "task_update", "id": "1", "title": "Bash: ls", "status": "error", "output": "no such file more"}
    ]
    made, _ = chunks(held, "", live(Step("1", "Bash", "ls -l", "failed", "no such file\nmore")))
    assert "output" not in made[0], "Slack would add it to what is there"


def test_the_task_list_and_the_status_are_in_the_plan() -> None:
    todos = (Todo("Read", "done"), Todo("Write", "active"), Todo("Test", "pending"))
    made, held = chunks(Held(), "", live(todos=todos, status="_Waiting for **you**._"))
    assert made[0] == {"type": "plan_update", "title": "Waiting for you."}
    assert [(chunk["title"], chunk["status"]) for chunk in made[1:]] == [
        ("Read", "complete"),
        ("Write", "in_progress"),
        ("Test", "pending"),
    ]
    shorter, _ = chunks(held, "", live(todos=todos[:1]))
    assert ("todo-1", "complete") in [(chunk.get("id"), chunk.get("status")) for chunk in shorter]


def test_nothing_is_left_running_at_the_end() -> None:
    _, held = chunks(Held(), "", live(Step("1", "Bash", "ls"), Step("2", "Read", "a")))
    made, held = chunks(held, " bye", Outgoing("bye", steps=(Step("1", "Bash", "ls"), Step("2", "Read", "a", "done"))))
    assert [task.status for task in held.tasks.values()] == ["pending", "complete"]
    assert made[0] == {"type": "plan_update", "title": "2 steps"}
    assert kinds(made)[-1] == "markdown_text"


def test_many_tools_stay_within_what_slack_takes() -> None:
    steps = tuple(Step(str(number), "Bash", "漢" * 100, "failed", "e" * 500) for number in range(200))
    made, held = chunks(Held(), "", live(*steps))
    assert sum(task.weight for task in held.tasks.values()) <= TASK_BYTES
    assert len(held.tasks) <= TASKS
    assert str(made[0]["title"]).endswith(f"(and {200 - len(held.tasks)} more)")
    short = tuple(Step(str(number), "Read", str(number), "done") for number in range(200))
    assert len(chunks(Held(), "", live(*short))[1].tasks) == TASKS


def test_titles_ping_nobody_and_are_one_line() -> None:
    made, _ = chunks(Held(), "", live(Step("1", "Bash", "echo '<!channel>'\n<@U123>"), status="<!here>"))
    assert "<!" not in str(made)
    assert "<@" not in str(made)
    assert "\\n" not in str(made)


def test_without_a_stream_everything_is_in_the_text() -> None:
    shown = flat(live(Step("1", "Bash", "ls"), text="```py\nx = 1\n", todos=(Todo("Read", "active"),)))
    assert shown.text == "```py\nx = 1\n```\n\n- ⏳ `Bash: ls`\n\n- ▶ Read\n\n_Working…_"
    assert (shown.live, shown.steps, shown.todos) == (False, (), ())
    assert flat(Outgoing("Done.", steps=(Step("1", "Bash"),))).text == "Done."
