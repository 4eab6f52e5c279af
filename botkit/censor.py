"""Takes known secrets out of a turn's events before anybody sees them, also those that arrive in pieces. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import TypeVar, cast

from botkit.events import CUT, ApprovalAsked, TextDelta, ThinkingDelta, ToolFinished, ToolStarted, TurnEvent
from botkit.redact import Redactor

Value = TypeVar("Value")


class Censor:
    """One turn's filter. What may be the beginning of a secret is held back until the next piece tells."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held: TextDelta | ThinkingDelta | None = None

    def clean(self, event: TurnEvent) -> Iterator[TurnEvent]:
        """What may be shown now: nothing, the event, or what was held back and then the event."""
        if self._redactor.idle:
            yield event
            return
        held, self._held = self._held, None
        piece = event if isinstance(event, TextDelta | ThinkingDelta) else None
        if held and piece and type(held) is type(piece) and held.parent == piece.parent:
            piece = replace(held, text=held.text + piece.text)
        elif held:
            yield held
        if piece is None:
            yield self._without_cut_secrets(self._clean(event))
            return
        text = self._redactor.redact(piece.text)
        if begun := self._redactor.begun(text):
            self._held = replace(piece, text=text[-begun:])
            text = text[:-begun]
        if text or not begun:
            yield piece if text == piece.text else replace(piece, text=text)

    def _without_cut_secrets(self, event: TurnEvent) -> TurnEvent:
        """What tools say was cut to a length before it came here, perhaps in the middle of a secret."""
        match event:
            case ToolStarted(summary=summary):
                return replace(event, summary=self._before_cut(summary))
            case ToolFinished(output=output):
                return replace(event, output=self._before_cut(output))
            case ApprovalAsked(summary=summary, detail=detail):
                return replace(event, summary=self._before_cut(summary), detail=self._before_cut(detail))
            case _:
                return event

    def _before_cut(self, text: str) -> str:
        kept = text.removesuffix(CUT)
        return text if kept == text else kept[: len(kept) - self._redactor.begun(kept)] + CUT

    def _clean(self, value: Value) -> Value:
        if isinstance(value, str):
            return cast(Value, self._redactor.redact(value))
        if isinstance(value, tuple):
            return cast(Value, tuple(self._clean(each) for each in cast("tuple[object, ...]", value)))
        if is_dataclass(value) and not isinstance(value, type):
            changes = {field.name: self._clean(getattr(value, field.name)) for field in fields(value)}
            return cast(Value, replace(value, **changes))
        return value
