"""Claude's task list, put together from the tools that change it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from botkit.events import Todo, TodoChanged

_STATES: dict[str, str] = {"pending": "pending", "in_progress": "active", "completed": "done"}


class _Item(msgspec.Struct):
    content: str = ""
    status: str = "pending"


class _Created(msgspec.Struct):
    id: str | int = ""


class _Outcome(msgspec.Struct):
    task: _Created | None = None


class TaskList:
    """The list of one session: `TodoWrite` writes it as a whole, `TaskCreate` and `TaskUpdate` one task at a time."""

    def __init__(self) -> None:
        self._tasks: dict[str, Todo] = {}
        self._creating: dict[str, str] = {}

    def used(self, id: str, tool: str, given: Mapping[str, object]) -> TodoChanged | None:
        """A tool was called with this input."""
        match tool:
            case "TodoWrite":
                return self._write(given.get("todos"))
            case "TaskCreate":
                self._creating[id] = str(given.get("subject", ""))
            case "TaskUpdate":
                return self._update(given)
            case _:
                pass
        return None

    def answered(self, id: str, ok: bool, result: msgspec.Raw) -> TodoChanged | None:
        """A tool has answered; only now has a created task its number."""
        subject = self._creating.pop(id, None)
        if subject is None or not ok:
            return None
        try:
            task = msgspec.json.decode(result, type=_Outcome).task
        except (msgspec.DecodeError, UnicodeDecodeError):
            task = None
        self._tasks[str(task.id) if task else id] = Todo(subject, "pending")
        return self._now()

    def _write(self, todos: object) -> TodoChanged | None:
        try:
            items = msgspec.convert(todos, list[_Item])
        except msgspec.ValidationError:
            return None
        self._tasks = {str(number): _todo(item.content, item.status) for number, item in enumerate(items)}
        return self._now()

    def _update(self, given: Mapping[str, object]) -> TodoChanged | None:
        id, status = str(given.get("taskId", "")), str(given.get("status", ""))
        known = self._tasks.get(id)
        if known is None:
            return None
        if status == "deleted":
            del self._tasks[id]
        else:
            state = known.state if status not in _STATES else _todo("", status).state
            self._tasks[id] = Todo(str(given.get("subject") or known.text), state)
        return self._now()

    def _now(self) -> TodoChanged:
        return TodoChanged(tuple(self._tasks.values()))


def _todo(text: str, status: str) -> Todo:
    match _STATES.get(status):
        case "active":
            return Todo(text, "active")
        case "done":
            return Todo(text, "done")
        case _:
            return Todo(text, "pending")
