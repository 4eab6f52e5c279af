"""The OpenAPI 3.1 document of the gateway, made of the table of routes and the schemas its handlers use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from adapters.http.endpoint import Endpoint
from adapters.http.starting import HEADER

Json = dict[str, Any]

VERSION = "3.1.0"
REF = "#/components/schemas/{model}"
EVENTS = "text/event-stream"
_PART = re.compile(r"\{([a-z_]+)\}")
_TAGS = {"v1": "OpenAI and Anthropic", "docs": "this document", "openapi.json": "this document"}
_ERRORS: dict[str, Json] = {
    "native": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {
                    "code": {"type": "string", "description": "One word for programs."},
                    "message": {"type": "string"},
                    "field": {"type": "string", "description": "The dotted path of what is wrong in the request."},
                },
            }
        },
    },
    "openai": {"type": "object", "required": ["error"], "properties": {"error": {"type": "object"}}},
    "anthropic": {
        "type": "object",
        "required": ["type", "error"],
        "properties": {"type": {"const": "error"}, "error": {"type": "object"}},
    },
}


def document(endpoints: Sequence[Endpoint], version: str) -> Json:
    """Of these endpoints. `version` is botkit's."""
    schemas, names = _schemas(endpoints)
    paths: Json = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, names, schemas)
    errors = {f"{shape.capitalize()}Error": schema for shape, schema in _ERRORS.items()}
    return {
        "openapi": VERSION,
        "info": {
            "title": "botkit",
            "version": version,
            "description": "Claude Code for programs. Every error says what is wrong and, where it can, which field.",
        },
        "paths": paths,
        "components": {
            "schemas": {**schemas, **errors},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key: `botkit keys create`."},
                "admin": {"type": "http", "scheme": "bearer", "description": "An administrator's token."},
            },
        },
    }


_Model = tuple[type[BaseModel], JsonSchemaMode]
_Names = dict[_Model, str]


def _schemas(endpoints: Iterable[Endpoint]) -> tuple[Json, _Names]:
    """All schemas by name, and the name of each model as it is sent ("validation") or told ("serialization")."""
    wanted: list[_Model] = []
    for endpoint in endpoints:
        wanted += _models("validation", endpoint.body, endpoint.query)
        wanted += _models("serialization", endpoint.answer, *endpoint.also.values())
    unique = list(dict.fromkeys(wanted))
    by_model, found = models_json_schema(unique, ref_template=REF)
    names: _Names = {key: str(by_model[key]["$ref"]).rpartition("/")[2] for key in unique}
    return found.get("$defs", {}), names


def _models(mode: JsonSchemaMode, *models: type[BaseModel] | None) -> list[_Model]:
    return [(model, mode) for model in models if model is not None]


def _operation(endpoint: Endpoint, names: _Names, schemas: Json) -> Json:
    said: Json = {
        "operationId": _id(endpoint),
        "summary": endpoint.summary,
        "tags": [_tag(endpoint)],
        "parameters": [*_parts(endpoint), *_query(endpoint, names, schemas), *_headers(endpoint)],
        "responses": _responses(endpoint, names),
    }
    if not endpoint.open:
        said["security"] = [{"admin" if endpoint.admin else "key": []}]
    content: Json = {media: {"schema": {"type": "string", "format": "binary"}} for media in endpoint.takes}
    if endpoint.body is not None:
        content["application/json"] = {"schema": _ref(names[endpoint.body, "validation"])}
    if content:
        said["requestBody"] = {"required": True, "content": content}
    return said


def _responses(endpoint: Endpoint, names: _Names) -> Json:
    content: Json = {}
    if endpoint.answer is not None:
        content[endpoint.media] = {"schema": _ref(names[endpoint.answer, "serialization"])}
    elif endpoint.status != 204:
        content[endpoint.media] = {"schema": {}}
    if endpoint.events:
        content[EVENTS] = {"schema": {"type": "string"}}
    good: Json = {"description": "It was done.", **({"content": content} if content else {})}
    error = _ref(f"{endpoint.shape.capitalize()}Error")
    also = {
        str(status): {
            "description": "It was begun.",
            "content": {"application/json": {"schema": _ref(names[model, "serialization"])}},
        }
        for status, model in endpoint.also.items()
    }
    wrong = {"description": "It was not done.", "content": {"application/json": {"schema": error}}}
    return {str(endpoint.status): good, **also, "4XX": wrong, "5XX": wrong}


def _parts(endpoint: Endpoint) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _PART.findall(endpoint.path)
    ]


def _query(endpoint: Endpoint, names: _Names, schemas: Json) -> list[Json]:
    """One parameter for each field."""
    if endpoint.query is None:
        return []
    schema = schemas[names[endpoint.query, "validation"]]
    required = schema.get("required", ())
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "schema": field,
            **({"description": field["description"]} if "description" in field else {}),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _headers(endpoint: Endpoint) -> list[Json]:
    if not endpoint.repeatable:
        return []
    schema = {"type": "string", "pattern": "^[!-~]{1,255}$"}
    told = "With the same key a request is carried out once, and answered alike for a day."
    return [{"name": HEADER, "in": "header", "required": False, "schema": schema, "description": told}]


def _ref(name: str) -> Json:
    return {"$ref": REF.format(model=name)}


def _id(endpoint: Endpoint) -> str:
    """A name of its own: `get_api_sessions_id`."""
    return re.sub(r"[^a-z0-9]+", "_", f"{endpoint.method} {endpoint.path}".lower()).strip("_")


def _tag(endpoint: Endpoint) -> str:
    """`/api/sessions/{id}` is among the sessions."""
    parts = [part for part in endpoint.path.split("/") if part and not part.startswith("{")]
    if (name := _TAGS.get(parts[0])) is not None:
        return name
    return parts[1] if parts[0] in ("api", "admin") and len(parts) > 1 else parts[0]
