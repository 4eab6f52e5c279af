"""Every parameter that the clients of OpenAI and Anthropic know is used, ignored or refused, as the README says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from adapters.http.anthropic import schema as anthropic
from adapters.http.openai import responses_schema as responses
from adapters.http.openai import schema as chat
from tests.adapters.http.desk import Desk
from tests.adapters.http.program import Program, program

USER = {"role": "user", "content": "!say ok"}
TOOL = {"type": "function", "name": "f", "function": {"name": "f"}}


@dataclass(frozen=True)
class Api:
    """`ignored`: what changes nothing. `neutral`: what is refused otherwise. `refused`: each says something."""

    path: str
    body: dict[str, Any]
    ignored: dict[str, Any]
    neutral: dict[str, Any]
    refused: dict[str, Any]
    ignoring: type[BaseModel]
    refusing: type[BaseModel]

    def named(self, error: dict[str, Any]) -> object:
        return error["param"] if "param" in error else error["message"].partition(":")[0]


CHAT = Api(
    "/v1/chat/completions",
    {
        "messages": [{"role": "developer", "content": "Be short."}, USER],
        "stream_options": {"include_usage": True, "include_obfuscation": False},
        "reasoning_effort": "xhigh",
        "user": "ann",
        "response_format": {"type": "text"},
    },
    {
        "temperature": 0.3,
        "top_p": 0.9,
        "seed": 7,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.1,
        "max_tokens": 100,
        "max_completion_tokens": 100,
        "store": True,
        "metadata": {"team": "a"},
        "service_tier": "flex",
        "parallel_tool_calls": True,
        "prompt_cache_key": "k",
        "prompt_cache_retention": "24h",
        "prompt_cache_options": {"mode": "explicit"},
        "safety_identifier": "s",
        "verbosity": "low",
    },
    {
        "n": 1,
        "tools": [],
        "tool_choice": "auto",
        "functions": [],
        "function_call": "none",
        "stop": [],
        "logprobs": False,
        "top_logprobs": 0,
        "logit_bias": {},
        "modalities": ["text"],
        "audio": None,
        "prediction": None,
        "web_search_options": None,
        "moderation": None,
    },
    {
        "n": 2,
        "tools": [TOOL],
        "tool_choice": "required",
        "functions": [{"name": "f"}],
        "function_call": {"name": "f"},
        "stop": "END",
        "logprobs": True,
        "top_logprobs": 3,
        "logit_bias": {"50256": -100},
        "modalities": ["text", "audio"],
        "audio": {"voice": "alloy", "format": "mp3"},
        "prediction": {"type": "content", "content": "x"},
        "web_search_options": {},
        "moderation": {"model": "m"},
    },
    chat.Ignored,
    chat.Refused,
)
RESPONSES = Api(
    "/v1/responses",
    {
        "input": "!say ok",
        "instructions": "Be short.",
        "reasoning": {"effort": "minimal", "summary": "auto"},
        "text": {"format": {"type": "text"}, "verbosity": "low"},
        "store": False,
        "user": "ann",
    },
    {
        "temperature": 0.3,
        "top_p": 0.9,
        "max_output_tokens": 100,
        "metadata": {"team": "a"},
        "parallel_tool_calls": True,
        "service_tier": "flex",
        "truncation": "auto",
        "include": ["reasoning.encrypted_content"],
        "stream_options": {"include_obfuscation": False},
        "prompt_cache_key": "k",
        "prompt_cache_retention": "24h",
        "prompt_cache_options": {"mode": "explicit"},
        "safety_identifier": "s",
        "context_management": [{"type": "compaction"}],
    },
    {
        "tools": [],
        "tool_choice": "none",
        "max_tool_calls": None,
        "top_logprobs": 0,
        "background": False,
        "prompt": None,
        "moderation": None,
    },
    {
        "tools": [TOOL],
        "tool_choice": "required",
        "max_tool_calls": 3,
        "top_logprobs": 2,
        "background": True,
        "prompt": {"id": "pmpt_1"},
        "moderation": {"model": "m"},
    },
    responses.IgnoredHere,
    responses.RefusedHere,
)
MESSAGES = Api(
    "/v1/messages",
    {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "!say ok", "cache_control": {"type": "ephemeral"}}]}
        ],
        "system": [{"type": "text", "text": "Be short.", "cache_control": {"type": "ephemeral"}}],
        "metadata": {"user_id": "ann"},
        "thinking": {"type": "adaptive", "display": "omitted"},
        "output_config": {"effort": "max"},
    },
    {
        "max_tokens": 100,
        "temperature": 0.3,
        "top_p": 0.9,
        "top_k": 5,
        "service_tier": "auto",
        "speed": "fast",
        "cache_control": {"type": "ephemeral"},
        "context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]},
        "diagnostics": {"previous_message_id": "msg_1"},
        "fallback_credit_token": "t",
    },
    {
        "stop_sequences": [],
        "tools": [],
        "tool_choice": {"type": "auto"},
        "mcp_servers": [],
        "container": None,
        "thread": None,
        "compaction": None,
        "fallbacks": [],
        "inference_geo": None,
        "billing_policy": None,
    },
    {
        "stop_sequences": ["END"],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "any"},
        "mcp_servers": [{"type": "url", "url": "https://example.com", "name": "x"}],
        "container": "c1",
        "thread": {"type": "create"},
        "compaction": {"type": "auto"},
        "fallbacks": [{"model": "m"}],
        "inference_geo": "eu",
        "billing_policy": {"type": "billing_policy", "bill_to": "user_profile"},
    },
    anthropic.Ignored,
    anthropic.Refused,
)
APIS = (CHAT, RESPONSES, MESSAGES)
REFUSALS = [(api, name, value) for api in APIS for name, value in api.refused.items()]


@pytest.fixture
async def me(gateway: Desk) -> Program:
    return await program(gateway)


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.path)
def test_every_parameter_of_the_readme_is_tried(api: Api) -> None:
    assert set(api.ignored) == set(api.ignoring.model_fields)
    assert set(api.neutral) == set(api.refused) == set(api.refusing.model_fields)


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.path)
async def test_what_is_ignored_or_says_nothing_does_no_harm(me: Program, gateway: Desk, api: Api) -> None:
    headers = {
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "context-management-2025-06-27,fast-mode-2026-02-01",
    }
    body = {"model": "main", **api.body, **api.ignored, **api.neutral}
    answer = await me.post(api.path, body, headers=headers)
    assert '"ok"' in str(answer).replace("'", '"')
    assert len(gateway.model.asks) == 1


async def test_what_would_make_another_answer_is_refused_by_name(me: Program, gateway: Desk) -> None:
    for api, name, value in REFUSALS:
        status, answer = await me.ask("POST", api.path, {"model": "main", **api.body, name: value})
        assert (status, api.named(answer["error"])) == (400, name), answer
    for api in APIS:
        status, answer = await me.ask("POST", api.path, {"model": "main", **api.body, "surprise": 1})
        assert (status, api.named(answer["error"])) == (400, "surprise"), answer
    assert not gateway.model.asks
