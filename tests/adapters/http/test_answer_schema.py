"""A schema that Claude Code would not take is refused before it is asked, and one that it takes is not."""

from __future__ import annotations

import asyncio
import json
import os
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from adapters.http.answer_schema import LARGEST, object_schema
from adapters.http.errors import HttpError
from botkit.claude.install import find_command
from botkit.claude.options import Profile
from botkit.testing.model import LoopbackModel
from tests.adapters.http.desk import PATIENCE, Desk

A: dict[str, Any] = {"type": "string"}


def of(field: Any, **more: Any) -> dict[str, Any]:
    """The schema of an object with one field."""
    return {"type": "object", "properties": {"a": field}, **more}


def deep(levels: int) -> dict[str, Any]:
    schema = A
    for _ in range(levels):
        schema = of(schema)
    return schema


TAKEN: dict[str, dict[str, Any]] = {
    "plain": of(A, required=["a"], additionalProperties=False),
    "what pydantic makes of a tree": {"$defs": {"T": of({"$ref": "#/$defs/T"})}, "$ref": "#/$defs/T"},
    "the draft": of(A, **{"$schema": "http://json-schema.org/draft-07/schema#"}),
    "old and new definitions": of({"$ref": "#/definitions/B"}, definitions={"B": A}, **{"$defs": {"C": A}}),
    "a name with a slash": of({"$ref": "#/$defs/b~1c%25"}, **{"$defs": {"b/c%": A}}),
    "a name by id": of({"$ref": "#b"}, definitions={"B": {"$id": "#b", **A}}),
    "an address of its own": of({"$ref": "https://e.com/r#/definitions/B"}, definitions={"B": A}, **{"$id": "https://e.com/r"}),
    "itself": of({"$ref": "#"}),
    "the draft's own schema": of({"$ref": "http://json-schema.org/draft-07/schema#"}),
    "definitions nobody refers to": of(A, **{"$defs": {"B": {"type": "nope", "x-y": {"$ref": "https://e.com"}}}}),
    "any format": of({"type": "string", "format": "nope"}),
    "nullable": of({"type": "string", "nullable": True}),
    "keywords as names and values": of({"enum": [{"x-y": 1}], "default": {"zz": 1}}, default={"q": 1}),
    "fields called as keywords": {"type": "object", "properties": {"$ref": A, "$id": A, "properties": A}},
    "a pattern with a name": of({"type": "string", "pattern": r"(?<n>a)\k<n>\p{L}(?<=b)"}),
    "if and then": of(A, **{"if": {"required": ["a"]}, "then": {"required": ["b"]}}),
    "no type": {"properties": {"a": A}},
    "several types": {"type": ["object", "null"]},
    "alternatives": of(A, anyOf=[{"required": ["a"]}, {"required": ["b"]}]),
}  # fmt: skip
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no such type": (of({"type": "strng"}), "properties.a.type"),
    "a list of fields": ({"type": "object", "properties": []}, "properties"),
    "another draft": (of(A, **{"$schema": "https://json-schema.org/draft/2020-12/schema"}), "$schema"),
    "a newer keyword": (of({"type": "array", "prefixItems": [A]}), "properties.a.prefixItems"),
    "a keyword of OpenAPI": (of({"oneOf": [A], "discriminator": {"propertyName": "k"}}), "properties.a.discriminator"),
    "a keyword of nobody": (of({"allOf": [{"items": [{"x-y": 1}]}]}), "properties.a.allOf.0.items.0.x-y"),
    "behind a reference": (of({"$ref": "#/$defs/B"}, **{"$defs": {"B": {"zz": 1}}}), "properties.a.$ref.zz"),
    "wrong behind it": (of({"$ref": "#/$defs/B"}, **{"$defs": {"B": {"type": 5}}}), "properties.a.$ref.type"),
    "an address": (of({"$ref": "https://example.com/x.json"}), "properties.a.$ref"),
    "two of one name": ({"type": "object", "properties": {"a": {"$id": "u:x", **A}, "b": {"$id": "u:x"}}}, ""),
    "nothing there": (of({"$ref": "#/$defs/B"}), "properties.a.$ref"),
    "a broken pattern": (of({"type": "string", "pattern": "("}), "properties.a.pattern"),
    "a pattern of Python": (of({"type": "string", "pattern": r"^\@x$"}), "properties.a.pattern"),
    "a broken name": ({"type": "object", "patternProperties": {"(": A}}, "patternProperties"),
    "no values": (of({"enum": []}), "properties.a.enum"),
    "a value twice": (of({"enum": [1, 1]}), "properties.a.enum"),
    "required twice": (of(A, required=["a", "a"]), "required"),
    "nullable alone": (of({"nullable": True}), "properties.a.nullable"),
    "a lonely if": (of(A, **{"if": {"required": ["a"]}}), "if"),
    "a lonely then": (of(A, then={"required": ["a"]}), "then"),
    "additional to nothing": (of({"type": "array", "additionalItems": False}), "properties.a.additionalItems"),
}
ONLY_WE: dict[str, tuple[dict[str, Any], str]] = {
    "a list": ({"type": "array", "items": A}, "type"),
    "a text": (A, "type"),
    "too large": (of(A, description="x" * LARGEST), ""),
    "a long pattern": (of({"type": "string", "pattern": "a|" * 100_000}), "properties.a.pattern"),
}


@pytest.mark.parametrize("schema", TAKEN.values(), ids=TAKEN)
def test_a_schema_is_passed_on_as_it_is(schema: dict[str, Any]) -> None:
    assert json.loads(object_schema(schema, "f").text) == {**schema, "type": "object"}


@pytest.mark.parametrize(("schema", "field"), [*REFUSED.values(), *ONLY_WE.values()], ids=[*REFUSED, *ONLY_WE])
def test_what_is_wrong_is_named(schema: dict[str, Any], field: str) -> None:
    with pytest.raises(HttpError) as refused:
        object_schema(schema, "f")
    assert (refused.value.status, refused.value.field) == (400, f"f.{field}".rstrip("."))


async def test_claude_code_itself_takes_and_refuses_the_same(tmp_path: Path) -> None:
    gate, (command, *_) = asyncio.Semaphore(4), find_command(Profile(workdir=tmp_path), {"PATH": os.environ["PATH"]})
    async with LoopbackModel() as model:
        environment = model.environment(tmp_path)

        async def takes(schema: dict[str, Any]) -> str:
            """What it complains of; '' for nothing."""
            flags = ("-p", "--input-format=stream-json", "--output-format=stream-json", "--verbose")
            own = (f"--session-id={uuid4()}", f"--json-schema={json.dumps(schema)}")
            async with gate, asyncio.timeout(3 * PATIENCE):
                child = await asyncio.create_subprocess_exec(
                    command, *flags, *own, cwd=tmp_path, env=environment, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE
                )
                _, said = await child.communicate()
            return said.decode() if child.returncode else ""

        schemas = {**TAKEN, **{name: schema for name, (schema, _) in REFUSED.items()}}
        said = dict(zip(schemas, await asyncio.gather(*map(takes, schemas.values())), strict=True))
    assert {name for name, words in said.items() if "not a valid JSON Schema" in words} == set(REFUSED), said
    assert {name for name, words in said.items() if not words} == set(TAKEN), said


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (
            "/v1/chat/completions",
            {
                "messages": [{"role": "user", "content": "hi"}],
                "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": of({"type": 5})}},
            },
            "response_format.json_schema.schema.properties.a.type",
        ),
        (
            "/v1/responses",
            {"input": "hi", "text": {"format": {"type": "json_schema", "name": "x", "schema": of({"zz": 5})}}},
            "text.format.schema.properties.a.zz",
        ),
        ("/v1/responses", {"input": "hi", "text": {"format": {"type": "json_schema"}}}, "text.format.schema"),
        (
            "/v1/messages",
            {
                "messages": [{"role": "user", "content": "hi"}],
                "output_config": {"format": {"type": "json_schema", "schema": {"type": "array"}}},
            },
            "output_config.format.schema.type",
        ),
    ],
)
async def test_every_api_names_its_own_field_and_asks_nobody(
    gateway: Desk, path: str, body: dict[str, Any], field: str
) -> None:
    headers = {"Authorization": f"Bearer {gateway.token}"}
    async with gateway.http.post(gateway.url + path, json={"model": "main", **body}, headers=headers) as answer:
        assert answer.status == 400
        error = (await answer.json())["error"]
    assert error.get("param", error["message"].partition(":")[0]) == field
    assert not gateway.model.requests
