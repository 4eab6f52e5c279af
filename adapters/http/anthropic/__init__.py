"""Anthropic's API: messages."""

from __future__ import annotations

from adapters.http.anthropic.messages import messages
from adapters.http.anthropic.schema import MessagesRequest
from adapters.http.endpoint import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "POST",
        "/v1/messages",
        messages,
        "A message in Anthropic's shape, streamed or whole",
        scope="chat",
        body=MessagesRequest,
        shape="anthropic",
        counts="run",
    ),
)
