"""An error names the field as its caller wrote it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.adapters.http.desk import Desk
from tests.adapters.http.program import program

CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"


def user(content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}]}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (CHAT, user(5), "messages.0.content"),
        (CHAT, user({"text": "x"}), "messages.0.content"),
        (CHAT, user([{"type": "text", "text": 5}]), "messages.0.content.0.text"),
        (CHAT, user([{"type": "text"}]), "messages.0.content.0.text"),
        (CHAT, user([{"type": "text", "text": "x"}, {"type": "video"}]), "messages.0.content.1.type"),
        (CHAT, user([{"type": "image_url", "image_url": {"url": 5}}]), "messages.0.content.0.image_url.url"),
        (CHAT, user([{"type": "image_url", "image_url": "x"}]), "messages.0.content.0.image_url"),
        (CHAT, user([{"type": "file", "file": {}}]), "messages.0.content.0.file.file_data"),
        (CHAT, {"messages": "hi"}, "messages"),
        (CHAT, {}, "messages"),
        (CHAT, {**user("x"), "claude": {"thinking": "much"}}, "claude.thinking"),
        (CHAT, {**user("x"), "claude": {"disallowed_tools": ["Read", "a b"]}}, "claude.disallowed_tools.1"),
        (CHAT, {**user("x"), "reasoning_effort": "huge"}, "reasoning_effort"),
        (CHAT, {**user("x"), "claude": {"session": "a"}, "conversation": "b"}, "conversation"),
        (RESPONSES, {"input": 5}, "input"),
        (RESPONSES, {"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input.0.content.0.text"),
        (RESPONSES, {"input": [{"role": "user", "content": [{"type": "x"}]}]}, "input.0.content.0.type"),
        (RESPONSES, {"input": "x", "conversation": {"id": "a b"}}, "conversation.id"),
        (RESPONSES, {"input": "x", "conversation": "a b"}, "conversation"),
        (MESSAGES, user([{"type": "image", "source": {"type": "url"}}]), "messages.0.content.0.source.type"),
        (
            MESSAGES,
            user([{"type": "tool_result", "content": [{"type": "text"}]}]),
            "messages.0.content.0.content.0.text",
        ),
        (MESSAGES, {**user("x"), "system": [{"type": "text", "text": 1}]}, "system.0.text"),
        (MESSAGES, {**user("x"), "system": 5}, "system"),
    ],
)
async def test_no_name_of_an_alternative_is_in_it(gateway: Desk, path: str, body: dict[str, Any], field: str) -> None:
    me = await program(gateway)
    status, answer = await me.ask("POST", path, {"model": "main", **body})
    error = answer["error"]
    named = error["param"] if path != MESSAGES else error["message"].partition(":")[0]
    assert (status, named) == (400, field), answer
    assert "tuple" not in json.dumps(answer)
    assert not gateway.model.requests


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (
            CHAT,
            {
                "messages": [
                    {"role": "system", "content": "ok"},
                    {"role": "developer", "content": "\0"},
                    *user("x")["messages"],
                ],
                "conversation": "r",
            },
            "messages.1.content",
        ),
        (RESPONSES, {"input": "x", "instructions": "\0"}, "instructions"),
        (
            RESPONSES,
            {"input": [{"role": "system", "content": "a" * 200_000}, *user("x")["messages"]], "instructions": "b"},
            "input.0.content",
        ),
        (MESSAGES, {**user("x"), "system": "\0", "claude": {"session": "r"}}, "system"),
        (
            CHAT,
            {
                **user("x"),
                "conversation": "r",
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"schema": {"type": "object", "description": "a" * 200_000}},
                },
            },
            "response_format.json_schema.schema",
        ),
    ],
)
async def test_what_no_session_can_be_started_with_is_named_where_it_stood(
    gateway: Desk, path: str, body: dict[str, Any], field: str
) -> None:
    me = await program(gateway)
    status, answer = await me.ask("POST", path, {"model": "main", **body})
    error = answer["error"]
    named = error["param"] if path != MESSAGES else error["message"].partition(":")[0]
    assert (status, named) == (400, field), answer


async def test_the_native_api_names_its_own_fields(gateway: Desk) -> None:
    me = await program(gateway)
    id = await me.session()
    for body, field in (
        ({"text": "x", "system": "\0"}, "system"),
        ({"text": "x", "answer_schema": {"type": "object", "zz": 1}}, "answer_schema.zz"),
        ({"text": "x", "answer_schema": {"type": "object", "description": "a" * 200_000}}, "answer_schema"),
        ({"text": "x", "claude": {"tools": ["a b"]}}, "claude.tools.0"),
        ({"text": "x", "claude": {"permission_mode": "bypassPermissions"}}, "claude.permission_mode"),
    ):
        assert await me.refused("POST", f"/api/sessions/{id}/messages", body) in {
            (status, code, field) for status, code in ((400, "invalid_request"), (403, "not_allowed"))
        }
