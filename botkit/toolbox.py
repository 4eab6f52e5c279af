"""What Claude does on the way to its answer: the tools it uses, those of sub-agents under their parent, and what it
thinks in between. As values, and as a few lines or folded parts of Markdown. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from botkit import texts
from botkit.events import ToolFinished, ToolStarted
from botkit.markdown import block, code, excerpt, folded
from botkit.steps import Step

_SHOWN, _SHOWN_AT_END = 5, 10
_SHOWN_OTHERWISE = frozenset(("TodoWrite", "AskUserQuestion", "mcp__botkit__send_file"))
"""The list, the question and the file are there to see."""
_KEPT = 200
_SUMMARY = 120
_THOUGHT = 4000
"""Most characters that are kept of one thought."""
_ROWS, _CHARACTERS = 8, 400
"""What is shown of one output or thought."""
_SIGNS = {"running": "⏳", "done": "✓", "failed": "✗"}


class Toolbox:
    """Remembers the latest steps of a turn, in the order they began."""

    def __init__(self) -> None:
        self._steps: dict[str, Step] = {}
        self._tools = self._thoughts = 0
        self._thought = ""
        """The id of the thought that goes on."""

    def start(self, event: ToolStarted) -> None:
        if event.id not in self._steps and event.name not in _SHOWN_OTHERWISE:
            self.rest()
            self._tools += 1
            self._keep(Step(event.id, event.name, event.summary[:_SUMMARY], parent=event.parent))

    def finish(self, event: ToolFinished) -> None:
        step = self._steps.get(event.id)
        if step is not None:
            self._steps[event.id] = replace(step, state="done" if event.ok else "failed", detail=event.output.strip())

    def think(self, text: str) -> None:
        """More of a thought; it ends with `rest`, or with the next tool."""
        if not self._thought:
            self._thoughts += 1
            self._thought = f"thought-{self._thoughts}"
            self._keep(Step(self._thought, ""))
        step = self._steps.get(self._thought)
        if step is not None:
            self._steps[self._thought] = replace(step, detail=(step.detail + text)[:_THOUGHT])

    def rest(self) -> None:
        """Claude has stopped thinking."""
        if step := self._steps.get(self._thought):
            self._steps[self._thought] = replace(step, state="done")
        self._thought = ""

    def steps(self, *, thoughts: bool) -> tuple[Step, ...]:
        """The steps so far, the oldest of many left out."""
        return tuple(step for step in self._steps.values() if step.name or (thoughts and step.detail.strip()))

    def lines(self) -> str:
        """The running tools and the last few others, one line each, as a Markdown list."""
        tools = {step.id: step for step in self.steps(thoughts=False)}
        running = [id for id, tool in tools.items() if tool.state == "running"][-2 * _SHOWN :]
        shown = set(running) | set(list(tools)[-_SHOWN:])
        lines = [line for id in tools if not _parent(tools, id) for line in _branch(tools, id, 0, shown)]
        earlier = self._tools - len(shown)
        return "\n".join([texts.earlier_tools(earlier), "", *lines] if earlier else lines)

    def folds(self, *, final: bool) -> str:
        """The last few steps with what came of them, each a folded part."""
        steps = self.steps(thoughts=True)
        shown = steps[-(_SHOWN_AT_END if final else _SHOWN) :]
        earlier = len(steps) - len(shown)
        parts = [texts.earlier_tools(earlier)] if earlier else []
        return "\n\n".join((*parts, *_parts(shown)))

    @property
    def shows_all(self) -> bool:
        """Nothing is missing in the final `folds`."""
        steps = self.steps(thoughts=True)
        return len(steps) <= _SHOWN_AT_END and all(_excerpt(step) == step.detail for step in steps)

    def whole(self) -> str:
        """The steps with all that is known of what came of them, as Markdown for a file."""
        parts = (f"## {_title(step)}\n\n{block(step.detail)}" for step in self.steps(thoughts=True))
        return "\n\n".join(parts) + "\n"

    def _keep(self, step: Step) -> None:
        self._steps[step.id] = step
        if len(self._steps) > _KEPT:
            oldest = next((id for id, known in self._steps.items() if known.state != "running"), step.id)
            del self._steps[oldest]


def _parts(steps: Sequence[Step]) -> Iterator[str]:
    """Steps of which nothing came are lines, and lines that follow each other are one list."""
    lines: list[str] = []
    for step in steps:
        if not step.detail:
            lines.append(_line(step))
            continue
        if lines:
            yield "\n".join(lines)
            lines = []
        yield folded(_title(step), _excerpt(step))
    if lines:
        yield "\n".join(lines)


def _title(step: Step) -> str:
    return f"{_SIGNS[step.state]} {step.title}" if step.name else texts.THOUGHT


def _excerpt(step: Step) -> str:
    # Of what still grows the end is news, of what is done the beginning says what it is.
    return excerpt(step.detail, rows=_ROWS, characters=_CHARACTERS, end=step.state == "running")


def _branch(tools: dict[str, Step], id: str, depth: int, shown: set[str]) -> list[str]:
    own = ["  " * depth + _line(tools[id])] if id in shown else []
    children = [child for child in tools if _parent(tools, child) == id]
    return own + [line for child in children for line in _branch(tools, child, depth + len(own), shown)]


def _parent(tools: dict[str, Step], id: str) -> str:
    parent = tools[id].parent
    return parent if parent in tools and parent != id else ""


def _line(tool: Step) -> str:
    what = " ".join(part for part in (tool.name, code(tool.summary)) if part)
    error = next(iter(tool.detail.splitlines()), "")[:_SUMMARY] if tool.state == "failed" else ""
    why = f": {code(error)}" if error else ""
    return f"- {_SIGNS[tool.state]} {what}{why}"
