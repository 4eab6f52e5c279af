"""`/openapi.json`, and `/docs`: the same for people, on one page that loads nothing from anywhere."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from html import escape
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby

import msgspec
from aiohttp import web

from adapters.http.call import Call
from adapters.http.endpoint import Endpoint
from adapters.http.openapi import Json, document

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #c2602f }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h2 { margin-top: 2.5rem }
h2::first-letter { text-transform: uppercase }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0 }
summary { padding: .5rem .8rem; cursor: pointer }
details > div { padding: .2rem .8rem .8rem; overflow-x: auto }
code { font: 14px ui-monospace, monospace }
.method { display: inline-block; min-width: 4.5rem; font-weight: 600; color: var(--accent) }
.what { opacity: .75; margin-left: .6rem }
div:target { border-left: .25rem solid var(--accent) }
table { border-collapse: collapse; width: 100%; font-size: .92rem }
td { width: 26% }
td:last-child { width: auto }
td, th { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line) }
p.note { background: var(--soft); padding: .6rem .8rem; border-radius: .5rem }
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


async def openapi(call: Call) -> web.StreamResponse:
    return web.Response(
        body=msgspec.json.encode(_document(tuple(call.gateway.endpoints))), content_type="application/json"
    )


async def page(call: Call) -> web.StreamResponse:
    text = html(_document(tuple(call.gateway.endpoints)))
    return web.Response(text=text, content_type="text/html", headers=HEADERS)


@lru_cache(maxsize=4)
def _document(endpoints: tuple[Endpoint, ...]) -> Json:
    try:
        number = version("botkit")
    except PackageNotFoundError:
        number = "0"
    return document(endpoints, number)


def html(api: Json) -> str:
    """The document as a page. Pure."""
    listed = [
        (operation["tags"][0], path, method.upper(), operation)
        for path, methods in api["paths"].items()
        for method, operation in methods.items()
    ]
    listed.sort(key=lambda each: (each[0], each[1]))
    schemas = api["components"]["schemas"]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>{escape(api['info']['title'])} API</title><style>{STYLE}</style>",
        f"<h1>{escape(api['info']['title'])} API</h1><p>{escape(api['info']['description'])}</p>",
        "<p class=note>Send an API key as <code>Authorization: Bearer bk_…</code>. "
        "The same as a document: <a href=/openapi.json>/openapi.json</a>. What is marked with * must be there.</p>",
    ]
    for tag, group in groupby(listed, key=lambda each: each[0]):
        parts.append(f"<h2>{escape(tag)}</h2>")
        parts += [_operation(path, method, operation) for _, path, method, operation in group]
    parts.append("<h2>Schemas</h2>")
    parts += [_schema(name, schema) for name, schema in sorted(schemas.items())]
    return "".join(parts)


def _operation(path: str, method: str, operation: Json) -> str:
    rows = [
        (each["name"], f"{each['in']}:", each["schema"], each.get("description", ""), each["required"])
        for each in operation["parameters"]
    ]
    body = [
        f"<p>Body: {_content(media, content)}</p>"
        for media, content in operation.get("requestBody", {}).get("content", {}).items()
    ]
    answers = [
        f"<p>{escape(status)}: {_answer(said)}</p>"
        for status, said in operation["responses"].items()
        if not status.endswith("XX")
    ]
    return (
        f"<details><summary><span class=method>{escape(method)}</span><code>{escape(path)}</code>"
        f"<span class=what>{_words(operation['summary'])}</span></summary><div>"
        f"{_table(rows)}{''.join(body)}{''.join(answers)}</div></details>"
    )


def _answer(said: Json) -> str:
    return " or ".join(_content(media, content) for media, content in said.get("content", {}).items()) or "nothing"


def _content(media: str, content: Json) -> str:
    """By name where it has one, else what kind it is of."""
    return _type(content["schema"]) if "$ref" in content["schema"] else f"<code>{escape(media)}</code>"


def _schema(name: str, schema: Json) -> str:
    required: Sequence[str] = schema.get("required", ())
    rows = [
        (field, "", said, str(said.get("description", "")), field in required)
        for field, said in schema.get("properties", {}).items()
    ]
    about = f"<p>{_words(str(schema.get('description', '')))}</p>"
    return (
        f"<details><summary><code>{escape(name)}</code></summary>"
        # Inside: a link to something hidden opens what hides it.
        f"<div id='{escape(name, quote=True)}'>{about}{_table(rows)}</div></details>"
    )


def _table(rows: Iterable[tuple[str, str, Json, str, bool]]) -> str:
    lines = [
        f"<tr><td><code>{escape(name)}</code>{' *' if required else ''}"
        f"<td>{escape(where)} {_type(schema)}<td>{_words(about)}"
        for name, where, schema, about, required in rows
    ]
    return f"<table>{''.join(lines)}</table>" if lines else ""


def _words(text: str) -> str:
    """A sentence with `code` in it."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _type(schema: Json) -> str:
    """A schema in a word or two; a link where it has a name."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2], quote=True)
        return f"<a href='#{name}'><code>{name}</code></a>"
    if several := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(_type(each) for each in several)
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if schema.get("type") == "array" and "items" in schema:
        return f"list of {_type(schema['items'])}"
    return escape(str(schema.get("type", "anything")))


ENDPOINTS = (
    Endpoint("GET", "/openapi.json", openapi, "This API as an OpenAPI 3.1 document", open=True),
    Endpoint("GET", "/docs", page, "The same for people", open=True, media="text/html"),
)
