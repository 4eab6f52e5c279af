"""The real Claude Code CLI behind the places where teams talk.

What handlers, middleware and adapters of one's own are written with. `botkit.protocols` explains the seams,
`botkit.testing` holds platforms, runners and contract checks for tests.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from botkit.context import Context
from botkit.errors import AdapterError, BotkitError, ConfigError, Refused, RunnerError, StoreError
from botkit.events import (
    Allow,
    Answer,
    ApprovalAsked,
    Decision,
    Deny,
    Outcome,
    QuestionAsked,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnEvent,
    TurnFailed,
    TurnFinished,
)
from botkit.history import Said, ToolCall
from botkit.model import (
    Action,
    Attachment,
    Capabilities,
    Conversation,
    Message,
    MessageRef,
    Outgoing,
    Session,
    Turn,
    User,
)
from botkit.routing import Handler, Middleware, Route

if TYPE_CHECKING:
    from botkit.library.agent import Agent, TurnError
    from botkit.library.blocking import SyncAgent

__all__ = [
    "Action",
    "AdapterError",
    "Agent",
    "Allow",
    "Answer",
    "ApprovalAsked",
    "Attachment",
    "BotkitError",
    "Capabilities",
    "ConfigError",
    "Context",
    "Conversation",
    "Decision",
    "Deny",
    "Handler",
    "Message",
    "MessageRef",
    "Middleware",
    "Outcome",
    "Outgoing",
    "QuestionAsked",
    "Refused",
    "Route",
    "RunnerError",
    "Said",
    "Session",
    "StoreError",
    "SyncAgent",
    "TextDelta",
    "ToolCall",
    "ToolFinished",
    "ToolStarted",
    "Turn",
    "TurnError",
    "TurnEvent",
    "TurnFailed",
    "TurnFinished",
    "User",
]

_LIBRARY = {
    "Agent": "botkit.library.agent",
    "SyncAgent": "botkit.library.blocking",
    "TurnError": "botkit.library.agent",
}


def __getattr__(name: str) -> object:
    # The library brings the whole application with it, which whoever writes a handler does not need.
    if name not in _LIBRARY:
        raise AttributeError(f"module 'botkit' has no attribute {name!r}")
    return getattr(import_module(_LIBRARY[name]), name)
