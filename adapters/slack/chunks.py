"""What a native stream still lacks, as chunks; and the same as plain Markdown, for where there is no stream. Pure.

https://docs.slack.dev/reference/methods/chat.appendStream#chunks: text is added to text, a task's title and status
replace what was there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from adapters.slack.format import defused
from botkit import texts
from botkit.markdown import closed, code, plain
from botkit.model import Outgoing

Json = dict[str, object]

TITLE, OUTPUT = 120, 120
"""Characters; Slack takes 256 of each."""
TASKS, TASK_BYTES = 40, 2_500
"""Most tasks of a message and, in UTF-8, most of their words: Slack counts them with the text, outputs twice."""
LINES = 5
"""Steps shown where there is no stream."""
WORKING = "Working…"

_STATES = {"running": "in_progress", "done": "complete", "failed": "error"}
_TODOS = {"pending": "pending", "active": "in_progress", "done": "complete"}
_SIGNS = {"running": "⏳", "done": "✓", "failed": "✗", "pending": "☐", "active": "▶"}


@dataclass(frozen=True, slots=True)
class Task:
    title: str
    status: str
    output: str = ""

    @property
    def weight(self) -> int:
        return len(self.title.encode()) + 2 * len(self.output.encode())


@dataclass(frozen=True, slots=True)
class Held:
    """What a stream holds. `text` is as it was sent."""

    text: str = ""
    title: str = ""
    tasks: Mapping[str, Task] = field(default_factory=dict[str, Task])


def missing(held: Held, text: str) -> str | None:
    """What must be added to the text; None when adding cannot make it right. A space at the end is no difference."""
    if text.startswith(held.text):
        return text[len(held.text) :]
    return "" if held.text.rstrip() == text.rstrip() else None


def chunks(held: Held, text: str, outgoing: Outgoing) -> tuple[list[Json], Held]:
    """The chunks that bring a stream from what it holds to a message, and what it holds then.

    `text` is what to add to the text. A message that is no longer live leaves no task running: Slack would say
    of the whole plan that it went wrong.
    """
    tasks, left_out = _tasks(held, outgoing)
    title = _title(outgoing, tasks, left_out) if tasks else ""
    made: list[Json] = [{"type": "plan_update", "title": title}] if title != held.title else []
    made += [_update(id, task, held.tasks.get(id)) for id, task in tasks.items() if task != held.tasks.get(id)]
    if text:
        made.append({"type": "markdown_text", "text": text})
    return made, Held(held.text + text, title, tasks)


def flat(outgoing: Outgoing) -> Outgoing:
    """The same as a message that shows everything in its text."""
    if not outgoing.live:
        return replace(outgoing, steps=(), todos=(), status="")
    steps = [f"- {_SIGNS[step.state]} {code(step.title or _line(step.detail))}" for step in outgoing.steps[-LINES:]]
    todos = [f"- {_SIGNS[todo.state]} {' '.join(todo.text.split())[:TITLE]}" for todo in outgoing.todos]
    parts = (closed(outgoing.text).strip("\n"), "\n".join(steps), "\n".join(todos), outgoing.status or texts.WORKING)
    text = "\n\n".join(part for part in parts if part)
    return replace(outgoing, text=text, steps=(), todos=(), status="", live=False)


def _tasks(held: Held, outgoing: Outgoing) -> tuple[dict[str, Task], int]:
    """The tasks by id, those already there first, as many as there is room for; and how many there was none for."""
    wanted = dict(_wanted(outgoing))
    tasks = {id: wanted.pop(id, replace(task, status=_over(task.status))) for id, task in held.tasks.items()}
    room = TASK_BYTES - sum(task.weight for task in tasks.values())
    for id in list(wanted):
        task = wanted[id]
        if len(tasks) < TASKS and task.weight <= room:
            tasks[id] = wanted.pop(id)
            room -= task.weight
    if not outgoing.live:
        tasks = {id: replace(task, status=_unfinished(task.status)) for id, task in tasks.items()}
    return tasks, len(wanted)


def _wanted(outgoing: Outgoing) -> Iterator[tuple[str, Task]]:
    for number, todo in enumerate(outgoing.todos):
        yield f"todo-{number}", Task(_line(todo.text), _TODOS[todo.state])
    for step in outgoing.steps:
        why = _line(step.detail)[:OUTPUT] if step.state == "failed" else ""
        yield step.id, Task(_line(step.title or step.detail), _STATES[step.state], why)


def _title(outgoing: Outgoing, tasks: Mapping[str, Task], left_out: int) -> str:
    ended = f"{len(tasks)} step{'s' * (len(tasks) != 1)}"
    title = _line(plain(outgoing.status) or WORKING) if outgoing.live else ended
    return f"{title} (and {left_out} more)" if left_out else title


def _update(id: str, task: Task, before: Task | None) -> Json:
    update: Json = {"type": "task_update", "id": id, "title": task.title, "status": task.status}
    told = before is not None and before.output
    return {**update, "output": task.output} if task.output and not told else update  # outputs are added up


def _over(status: str) -> str:
    """A task that is no longer spoken of is over."""
    return "complete" if status == "in_progress" else status


def _unfinished(status: str) -> str:
    return "pending" if status == "in_progress" else status


def _line(text: str) -> str:
    """The first words of a text, on one line; never empty where Slack wants some."""
    line = " ".join(text.split())
    return defused(line if len(line) <= TITLE else line[: TITLE - 1] + "…") or "…"
