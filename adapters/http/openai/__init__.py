"""OpenAI's API: chat completions, responses and the list of models."""

from __future__ import annotations

from adapters.http.endpoint import Endpoint
from adapters.http.openai.models import Models, health, models

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/v1/health", health, "Whether the gateway takes requests", shape="openai", open=True),
    Endpoint("GET", "/v1/models", models, "Every bot × model this key may use", answer=Models, shape="openai"),
)
