"""The tools a turn uses, as a few lines: running, done or failed, those of sub-agents under their parent. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from botkit import texts
from botkit.events import ToolFinished, ToolStarted
from botkit.markdown import code

_SHOWN = 5
_SHOWN_OTHERWISE = frozenset(("TodoWrite", "AskUserQuestion", "mcp__botkit__send_file"))
"""The list, the question and the file are there to see."""
_KEPT = 200
_SUMMARY = 120
_SIGNS = {"running": "⏳", "done": "✓", "failed": "✗"}


@dataclass(slots=True)
class _Tool:
    started: ToolStarted
    state: Literal["running", "done", "failed"] = "running"
    error: str = ""


class Toolbox:
    """Remembers the latest tools of a turn, in the order they started."""

    def __init__(self) -> None:
        self._tools: dict[str, _Tool] = {}
        self._count = 0

    def start(self, event: ToolStarted) -> None:
        if event.id in self._tools or event.name in _SHOWN_OTHERWISE:
            return
        self._tools[event.id] = _Tool(event)
        self._count += 1
        if len(self._tools) > _KEPT:
            oldest = next((id for id, tool in self._tools.items() if tool.state != "running"), event.id)
            del self._tools[oldest]

    def finish(self, event: ToolFinished) -> None:
        tool = self._tools.get(event.id)
        if tool is not None:
            tool.state = "done" if event.ok else "failed"
            tool.error = "" if event.ok else next(iter(event.output.strip().splitlines()), "")[:_SUMMARY]

    def lines(self) -> str:
        """The running tools and the last few others, one line each, as a Markdown list."""
        running = [id for id, tool in self._tools.items() if tool.state == "running"][-2 * _SHOWN :]
        shown = set(running) | set(list(self._tools)[-_SHOWN:])
        lines = [line for id in self._tools if not self._parent(id) for line in self._branch(id, 0, shown)]
        earlier = self._count - len(shown)
        return "\n".join([texts.earlier_tools(earlier), "", *lines] if earlier else lines)

    def _branch(self, id: str, depth: int, shown: set[str]) -> list[str]:
        own = ["  " * depth + self._line(self._tools[id])] if id in shown else []
        children = [child for child in self._tools if self._parent(child) == id]
        return own + [line for child in children for line in self._branch(child, depth + len(own), shown)]

    def _parent(self, id: str) -> str:
        parent = self._tools[id].started.parent
        return parent if parent in self._tools and parent != id else ""

    def _line(self, tool: _Tool) -> str:
        what = " ".join(part for part in (tool.started.name, code(tool.started.summary[:_SUMMARY])) if part)
        why = f": {code(tool.error)}" if tool.error else ""
        return f"- {_SIGNS[tool.state]} {what}{why}"
