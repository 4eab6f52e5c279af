"""The OpenAPI document is valid and whole, and people can read it."""

from __future__ import annotations

import re
from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator

from adapters.http import docs
from adapters.http.openapi import document
from adapters.http.routes import ENDPOINTS
from tests.adapters.http.gate import gate

API = document(ENDPOINTS, "1")


def test_the_document_is_valid() -> None:
    OpenAPIV31SpecValidator(API).validate()


def test_every_path_is_in_it_with_what_it_takes_and_answers() -> None:
    ids: set[str] = set()
    for endpoint in ENDPOINTS:
        operation = API["paths"][endpoint.path][endpoint.method.lower()]
        ids.add(operation["operationId"])
        assert operation["summary"]
        assert str(endpoint.status) in operation["responses"]
        assert ("requestBody" in operation) == bool(endpoint.body or endpoint.takes)
        assert ("security" in operation) != endpoint.open
        named = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", endpoint.path))
    assert len(ids) == len(ENDPOINTS)


def test_every_field_of_our_own_api_is_told_by_name() -> None:
    schema = API["components"]["schemas"]["NewMessage"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["mode"]["enum"] == ["sync", "stream", "async"]
    assert schema["properties"]["webhook"]["description"]


async def test_both_are_served_and_the_page_runs_nothing() -> None:
    async with gate() as it:
        status, body, _ = await it.ask("/openapi.json")
        assert status == 200
        assert body["openapi"] == "3.1.0"
        assert "/admin/api-keys" not in body["paths"], "nobody is an administrator here"
        async with it.http.get(f"{it.url}/docs") as answer:
            page, policy = await answer.text(), answer.headers["Content-Security-Policy"]
        assert answer.status == 200
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<script|src=|@import|url\(|\son\w+=", page)
        assert {link for link in re.findall(r"href=['\"]?([^'\" >]+)", page) if not link.startswith("#")} == {
            "/openapi.json"
        }


def test_every_schema_has_a_readable_name_and_a_link_to_it_opens_it() -> None:
    assert not [name for name in API["components"]["schemas"] if "__" in name or "-" in name]
    page = docs.html(API)
    links = set(re.findall(r"href='#([^']+)'", page))
    # A browser opens what hides the place a link leads to, if that is inside.
    assert links <= set(re.findall(r"</summary><div id='([^']+)'>", page))
    assert "<code>mode</code> is sync, stream" in page
    assert "<code>text/event-stream</code>" in page


def test_nothing_in_a_description_becomes_markup() -> None:
    evil: dict[str, Any] = {
        "info": {"title": "<b>", "description": "<script>"},
        "paths": {
            "/x<y>": {
                "get": {
                    "tags": ["<i>"],
                    "summary": "<img>",
                    "parameters": [
                        {
                            "name": "<a>",
                            "in": "query",
                            "required": True,
                            "schema": {"type": "<t>"},
                            "description": "<d>",
                        }
                    ],
                    "responses": {"200": {"content": {}}},
                }
            }
        },
        "components": {"schemas": {"A'onclick='x": {"description": "<em>"}}},
    }
    page = docs.html(evil)
    for text in ("<b>", "<script>", "<i>", "<img>", "<a>", "<t>", "<d>", "<em>", "'A'onclick"):
        assert text not in page
