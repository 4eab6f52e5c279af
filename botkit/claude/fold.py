"""Turns what the CLI says in a turn into events. Pure: no clock, no waiting."""

from __future__ import annotations

from collections.abc import Iterator

from botkit.claude import wire
from botkit.claude.summary import fields, output, summary
from botkit.claude.todos import TaskList
from botkit.events import (
    Compacting,
    Retrying,
    TextDelta,
    ThinkingDelta,
    ToolFinished,
    ToolStarted,
    TurnEvent,
    TurnStarted,
)

GAP = "\n\n"
ANSWER = "StructuredOutput"
"""What the CLI has the model call to answer by a schema: the outcome's text is what it was called with."""


class Fold:
    """One turn's lines, one after the other. The deltas of the answer itself add up to `text`."""

    def __init__(self, todos: TaskList | None = None) -> None:
        self.session = ""
        self.model = ""
        self.tools = 0
        self.open: dict[str, str] = {}
        """Tools that run: id and name."""
        self.error = ""
        """The CLI's word for the last failed request ("authentication_failed")."""
        self._todos = todos or TaskList()
        self._texts: list[str] = []
        self._streaming: set[str] = set()
        self._compacting = False

    @property
    def text(self) -> str:
        return "".join(self._texts)

    def take(self, line: wire.Line) -> Iterator[TurnEvent]:
        """The events a line stands for; results and control lines are not events of the fold."""
        match line:
            case wire.Stream():
                event = self.stream(line)
                return iter(()) if event is None else iter((event,))
            case wire.Assistant():
                return self._blocks(line)
            case wire.UserEcho():
                return self._results(line)
            case wire.System():
                return self._system(line)
            case _:
                return iter(())

    def close(self) -> Iterator[TurnEvent]:
        """The ends of tools that never said so, for a turn that is over."""
        for id in list(self.open):
            del self.open[id]
            yield ToolFinished(id, ok=False)

    def stream(self, line: wire.Stream) -> TextDelta | ThinkingDelta | None:
        """The event of a streamed line, if it is one: most lines of a turn come this way."""
        if not isinstance(line.event, wire.Delta):
            return None
        delta, parent = line.event.delta, line.parent or ""
        if isinstance(delta, wire.TextPart) and delta.text:
            text = delta.text
            if parent not in self._streaming:
                self._streaming.add(parent)
                if self._texts and not parent:
                    text = GAP + text
            if not parent:
                self._texts.append(text)
            return TextDelta(text, parent)
        if isinstance(delta, wire.ThinkingPart) and delta.thinking:
            self._streaming.add(f"{parent}/thinking")
            return ThinkingDelta(delta.thinking, parent)
        return None

    def _answer(self, text: str) -> TextDelta:
        """Text of the answer itself that was not streamed."""
        if self._texts:
            text = GAP + text
        self._texts.append(text)
        return TextDelta(text)

    def _blocks(self, line: wire.Assistant) -> Iterator[TurnEvent]:
        parent = line.parent or ""
        self.error = line.error or ""
        if line.error and not parent:
            # The text is the CLI's own word for the failure, which the result holds again: the outcome says it.
            return
        content = line.message.content
        blocks = [wire.Block("text", text=content)] if isinstance(content, str) else content
        for block in blocks:
            match block.type:
                case "text":
                    yield from self._whole_text(block.text, parent)
                case "thinking":
                    if block.thinking and f"{parent}/thinking" not in self._streaming:
                        yield ThinkingDelta(block.thinking, parent)
                    self._streaming.discard(f"{parent}/thinking")
                case "tool_use" | "server_tool_use" | "mcp_tool_use":
                    yield from self._tool(block, parent)
                case _:
                    pass

    def _whole_text(self, text: str, parent: str) -> Iterator[TurnEvent]:
        """A finished block; its text is news only when it was not streamed (sub-agents, the CLI's own words)."""
        if parent in self._streaming:
            self._streaming.discard(parent)
        elif text and parent:
            yield TextDelta(text, parent)
        elif text:
            yield self._answer(text)

    def _tool(self, block: wire.Block, parent: str) -> Iterator[TurnEvent]:
        if block.id in self.open or block.name == ANSWER:
            return
        given = fields(block.input)
        self.open[block.id] = block.name
        self.tools += 1
        yield ToolStarted(block.id, block.name, summary(block.name, given), parent)
        if changed := self._todos.used(block.id, block.name, given):
            yield changed

    def _results(self, line: wire.UserEcho) -> Iterator[TurnEvent]:
        if line.replay or isinstance(line.message.content, str):
            return
        for block in line.message.content:
            if block.type.endswith("tool_result") and self.open.pop(block.tool_use_id, None) is not None:
                ok = not block.is_error
                yield ToolFinished(block.tool_use_id, ok, output(block.content))
                if changed := self._todos.answered(block.tool_use_id, ok, line.result):
                    yield changed

    def _system(self, line: wire.System) -> Iterator[TurnEvent]:
        match line.subtype:
            case "init":
                self.session, self.model = line.session, str(line.model or "")
                yield TurnStarted(self.session, self.model)
            case "api_retry":
                yield Retrying(int(_number(line.attempt)), _number(line.delay) / 1000, int(_number(line.error_status)))
            case "status" if line.status == "compacting" and not self._compacting:
                self._compacting = True
                yield Compacting(True)
            case "compact_boundary" if self._compacting:
                self._compacting = False
                yield Compacting(False)
            case "status" if line.status is None and self._compacting:
                self._compacting = False
                yield Compacting(False)
            case _:
                pass


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
