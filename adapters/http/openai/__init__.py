"""OpenAI's API: chat completions, responses and the list of models."""

from __future__ import annotations

from adapters.http.endpoint import Endpoint
from adapters.http.openai.chat import chat
from adapters.http.openai.models import Models, health, models
from adapters.http.openai.responses import responses
from adapters.http.openai.responses_schema import ResponsesRequest
from adapters.http.openai.schema import ChatRequest

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/v1/health", health, "Whether the gateway takes requests", shape="openai", open=True),
    Endpoint(
        "POST",
        "/v1/chat/completions",
        chat,
        "A chat completion, streamed or whole",
        scope="chat",
        body=ChatRequest,
        shape="openai",
        counts="run",
    ),
    Endpoint(
        "POST",
        "/v1/responses",
        responses,
        "A response, streamed or whole, that may go on from the one before",
        scope="chat",
        body=ResponsesRequest,
        shape="openai",
        counts="run",
    ),
    Endpoint(
        "GET",
        "/v1/models",
        models,
        "Every bot × model this key may use",
        answer=Models,
        shape="openai",
        counts="free",
    ),
)
