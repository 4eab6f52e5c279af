"""Live: what happens in a session, as server-sent events and over a WebSocket."""

from adapters.http.endpoint import Endpoint
from adapters.http.live.events import events
from adapters.http.live.socket import stream

ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/sessions/{id}/events",
        events,
        "What happens in a session, as server-sent events; `Last-Event-ID` goes on where a reader was.",
        scope="sessions",
        counts="stream",
    ),
    Endpoint(
        "GET",
        "/api/sessions/{id}/stream",
        stream,
        "A session over a WebSocket: messages, stops and decisions in, events out.",
        scope="sessions",
        counts="stream",
    ),
)
