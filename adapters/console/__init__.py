"""The terminal as a chat: `botkit chat`."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from botkit.plugins import AdapterPlugin
from botkit.protocols import Adapter


class ConsoleSettings(BaseModel):
    """`[bots.NAME.console]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    script: tuple[str, ...] = ()
    """Messages to send one after the other instead of reading any; the chat ends after the last answer."""
    history: Path = Path("~/.local/state/botkit/chat_history")
    """Where typed lines are remembered."""


def create(name: str, settings: ConsoleSettings) -> Adapter:
    from adapters.console.adapter import ConsoleAdapter

    return ConsoleAdapter(name, script=settings.script, history=settings.history.expanduser())


plugin = AdapterPlugin(ConsoleSettings, create)
