"""The Web API's methods, with the scopes, rate tiers and arguments Slack documents for each."""

from __future__ import annotations

from adapters.slack.testing.methods import account, chat, conversations, files, places, streams
from adapters.slack.testing.methods.call import Call, Method

METHODS: dict[str, Method] = (
    account.METHODS | chat.METHODS | conversations.METHODS | files.METHODS | places.METHODS | streams.METHODS
)

__all__ = ["METHODS", "Call", "Method"]
