"""What a call that asked for it (`claude.show = ["tools"]`) sees of a turn beside the answer. Pure."""

from __future__ import annotations

from botkit.events import ApprovalAsked, RequestClosed, ToolFinished, ToolStarted, TurnEvent


def extension(event: TurnEvent) -> dict[str, object] | None:
    """The event as JSON; None for one that is not shown."""
    match event:
        case ToolStarted():
            parent = {"parent": event.parent} if event.parent else {}
            return {"type": "tool_started", "id": event.id, "name": event.name, "summary": event.summary, **parent}
        case ToolFinished():
            return {"type": "tool_finished", "id": event.id, "ok": event.ok, "output": event.output}
        case ApprovalAsked():
            return {"type": "approval_asked", "id": event.id, "tool": event.tool, "summary": event.summary}
        case RequestClosed():
            return {"type": "request_closed", "id": event.id, "allowed": event.allowed, "text": event.text}
        case _:
            return None
