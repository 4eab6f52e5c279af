"""The real Claude Code CLI behind the places where teams talk.

What handlers, middleware and adapters of one's own are written with. `botkit.protocols` explains the seams,
`botkit.testing` holds platforms, runners and contract checks for tests.
"""

from botkit.context import Context
from botkit.errors import AdapterError, BotkitError, ConfigError, Refused, RunnerError, StoreError
from botkit.events import Outcome, TurnEvent, TurnFailed, TurnFinished
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

__all__ = [
    "Action",
    "AdapterError",
    "Attachment",
    "BotkitError",
    "Capabilities",
    "ConfigError",
    "Context",
    "Conversation",
    "Handler",
    "Message",
    "MessageRef",
    "Middleware",
    "Outcome",
    "Outgoing",
    "Refused",
    "Route",
    "RunnerError",
    "Session",
    "StoreError",
    "Turn",
    "TurnEvent",
    "TurnFailed",
    "TurnFinished",
    "User",
]
