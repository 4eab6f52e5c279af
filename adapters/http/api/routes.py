"""The rows of the table of routes that botkit's own API has."""

from __future__ import annotations

from adapters.http.api import (
    agents,
    approvals,
    changing,
    commands,
    controls,
    memory,
    messages,
    offers,
    reading,
    runs,
    said,
    scripts,
    sessions,
    uploads,
)
from adapters.http.endpoint import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    *sessions.ENDPOINTS,
    *messages.ENDPOINTS,
    *runs.ENDPOINTS,
    *controls.ENDPOINTS,
    *said.ENDPOINTS,
    *commands.ENDPOINTS,
    *uploads.ENDPOINTS,
    *memory.ENDPOINTS,
    *reading.ENDPOINTS,
    *changing.ENDPOINTS,
    *agents.ENDPOINTS,
    *approvals.ENDPOINTS,
    *offers.ENDPOINTS,
    *scripts.ENDPOINTS,
)
