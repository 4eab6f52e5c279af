"""JSON schemas of answers: what the CLI would refuse is refused before a worker starts. Pure.

The CLI takes draft 7 as Ajv reads it in strict mode. It ends when its command line holds another schema, and ignores
it when it is told later, so that its answer would follow no schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeGuard
from urllib.parse import unquote, urljoin

import msgspec

from adapters.http.errors import HttpError, invalid
from adapters.http.wishes import Given

if TYPE_CHECKING:
    from jsonschema_rs import Draft7Validator

ANY_OBJECT = Given('{"type": "object"}')
"""Of an answer that only has to be JSON."""
LARGEST = 256 * 1024
"""Bytes of a schema."""
LONGEST = 2000
"""Characters of a regular expression: the time to read one grows with their square."""
DRAFT = "http://json-schema.org/draft-07/schema"
_DRAFTS = ("", DRAFT, f"{DRAFT}#")
_WHOLE = ("items", "additionalItems", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else")
_LISTS = ("items", "allOf", "anyOf", "oneOf")
_NAMED = ("properties", "patternProperties", "dependencies")
_KNOWN = frozenset(
    (
        *_WHOLE,
        *_LISTS,
        *_NAMED,
        *("$schema", "$id", "$ref", "$defs", "definitions", "$comment", "$vocabulary", "$async"),
        *("type", "nullable", "const", "enum", "format", "pattern", "multipleOf", "required", "uniqueItems"),
        *("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "maxLength", "minLength"),
        *("maxItems", "minItems", "maxProperties", "minProperties"),
        *("title", "description", "default", "deprecated", "readOnly", "writeOnly", "examples"),
        *("contentMediaType", "contentEncoding", "contentSchema"),
    )
)


def object_schema(schema: Mapping[str, Any] | None, field: str) -> Given:
    """The schema as JSON. Raises HttpError 400 that names what is wrong in it, 501 where nothing can check it."""
    if schema is None:
        raise invalid(field, "is missing")
    if (kind := schema.get("type", "object")) != "object" and not (isinstance(kind, list) and "object" in kind):
        raise invalid(f"{field}.type", "expected the schema of an object")
    # The answer is what a tool is called with, so it is an object in any case, and the API wants to read that.
    text = msgspec.json.encode({**schema, "type": "object"})
    if len(text) > LARGEST:
        raise invalid(field, f"the schema has more than {LARGEST} bytes")
    if schema.get("$schema", "") not in _DRAFTS:
        raise invalid(f"{field}.$schema", f"only draft 7 is taken: {DRAFT}")
    _Check(msgspec.json.decode(text), field).all()
    return Given(text.decode(), field)


class _Check:
    """One schema, as far as it is used: definitions that nothing refers to may be anything."""

    def __init__(self, schema: dict[str, Any], field: str) -> None:
        self._root, self._field = schema, field
        self._base = str(schema.get("$id", ""))
        self._ids: dict[str, Any] = {}
        for name, each in _ids(schema, self._base):
            if self._ids.setdefault(name, each) != each:
                raise invalid(field, f"two schemas in it have the $id {name[:200]!r}")
        self._seen: set[int] = set()

    def all(self) -> None:
        """Raises HttpError."""
        _valid(self._root, self._field)
        todo: list[tuple[str, Any]] = [(self._field, self._root)]
        while todo:
            field, schema = todo.pop()
            if not _object(schema) or id(schema) in self._seen:
                continue
            self._seen.add(id(schema))
            _strict(schema, field)
            todo += _parts(schema, field)
            if "$ref" in schema:
                field = f"{field}.$ref"
                target = self._target(schema["$ref"], field)
                if id(target) not in self._seen:
                    _valid(target, field)
                    todo.append((field, target))

    def _target(self, ref: str, field: str) -> object:
        if ref.removesuffix("#") == DRAFT:
            return True
        try:
            if ref in self._ids:
                return self._ids[ref]
            place, _, pointer = urljoin(self._base, ref).partition("#")
            found: Any = self._root if place == self._base.partition("#")[0] else self._ids[place]
            for part in unquote(pointer).split("/")[1:] if pointer.startswith("/") else [pointer] if pointer else ():
                part = part.replace("~1", "/").replace("~0", "~")
                found = found[int(part)] if _list(found) else found[part]
        except (KeyError, IndexError, TypeError, ValueError):
            raise invalid(field, f"{ref[:200]!r} is not in this schema, and nothing is fetched") from None
        return found


def _ids(schema: object, base: str) -> Iterator[tuple[str, Any]]:
    """All that has a name in a schema, by the name as it is written and as it is meant."""
    todo: list[Any] = [schema]
    while todo:
        each = todo.pop()
        if _object(each):
            name = each.get("$id")
            if isinstance(name, str):
                yield name, each
                yield urljoin(base, name).removesuffix("#"), each
        todo += each.values() if _object(each) else each if _list(each) else ()


def _valid(schema: object, field: str) -> None:
    """Raises HttpError for what is no schema of draft 7, and 501 where nothing can tell."""
    for error in _draft().iter_errors(schema):
        raise invalid(".".join((field, *map(str, error.instance_path))), error.message[:200])


def _strict(schema: Mapping[str, Any], field: str) -> None:
    """What is no error in draft 7, but one for the CLI. Raises HttpError."""
    for name in sorted(schema.keys() - _KNOWN):
        raise invalid(f"{field}.{name}", "is no keyword that Claude Code takes in a schema")
    if "if" in schema and not ("then" in schema or "else" in schema):
        raise invalid(f"{field}.if", "says nothing without `then` or `else`")
    for name in ("then", "else"):
        if name in schema and "if" not in schema:
            raise invalid(f"{field}.{name}", "says nothing without `if`")
    if "additionalItems" in schema and not isinstance(schema.get("items"), list):
        raise invalid(f"{field}.additionalItems", "says nothing unless `items` is a list")
    if "nullable" in schema and ("type" not in schema or not isinstance(schema["nullable"], bool)):
        raise invalid(f"{field}.nullable", "expected true or false, beside a `type`")
    if schema.get("type") == "null" and schema.get("nullable") is False:
        raise invalid(f"{field}.nullable", "contradicts the type null")
    if schema.get("$async"):
        raise invalid(f"{field}.$async", "is not taken")
    if "enum" in schema and not _distinct(schema["enum"]):
        raise invalid(f"{field}.enum", "expected at least one value, and none of them twice")
    if "pattern" in schema:
        _regex(schema["pattern"], f"{field}.pattern")
    for pattern in schema.get("patternProperties", ()):
        _regex(pattern, f"{field}.patternProperties")


def _parts(schema: Mapping[str, Any], field: str) -> Iterator[tuple[str, Any]]:
    """The schemas in a schema, each with its place."""
    for name in _WHOLE:
        if name in schema:
            yield f"{field}.{name}", schema[name]
    for name in _LISTS:
        if _list(several := schema.get(name)):
            yield from ((f"{field}.{name}.{place}", each) for place, each in enumerate(several))
    for name in _NAMED:
        yield from ((f"{field}.{name}.{key}", each) for key, each in schema.get(name, {}).items())


def _distinct(values: list[Any]) -> bool:
    return bool(values) and len({msgspec.json.encode(value, order="sorted") for value in values}) == len(values)


def _regex(pattern: str, field: str) -> None:
    from regress import Regex, RegressError

    if len(pattern) > LONGEST:
        raise invalid(field, f"the regular expression has more than {LONGEST} characters")
    try:
        Regex(pattern, "u")
    except RegressError as problem:
        raise invalid(field, f"no regular expression of JavaScript's (with the flag u): {str(problem)[:200]}") from None


def _object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


@cache
def _draft() -> Draft7Validator:
    try:
        from jsonschema_rs import Draft7Validator
    except ImportError:
        raise HttpError(501, "not_installed", "botkit was installed without its extra [http]") from None
    return Draft7Validator({"$ref": f"{DRAFT}#"}, validate_formats=False)
