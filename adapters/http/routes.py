"""The table of routes: every path that the gateway serves."""

from __future__ import annotations

from adapters.http import anthropic, docs, live, openai
from adapters.http.admin import routes as admin
from adapters.http.aliases import second_names
from adapters.http.api import routes as native
from adapters.http.endpoint import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    *openai.ENDPOINTS,
    *anthropic.ENDPOINTS,
    *native.ENDPOINTS,
    *second_names(native.ENDPOINTS),
    *live.ENDPOINTS,
    *admin.ENDPOINTS,
    *docs.ENDPOINTS,
)
