"""What goes wrong in botkit itself is an error of the API that was asked, and its reason stays in the log."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from adapters.http.anthropic.frames import Frames
from adapters.http.api.text_frames import TextFrames
from adapters.http.call import Call
from adapters.http.endpoint import Endpoint, Handler
from adapters.http.errors import Shape
from adapters.http.openai.chunks import Chunks
from adapters.http.streaming import Encoder, Stream
from tests.adapters.http.gate import gate

SECRET = "/srv/botkit/private is not a table"
SHAPES: tuple[Shape, ...] = ("openai", "anthropic", "native")


def kind(shape: Shape, body: dict[str, Any]) -> object:
    """What a client of this API tells errors apart by."""
    match shape:
        case "openai":
            return set(body) == {"error"} and body["error"]["type"], body["error"]["code"]
        case "anthropic":
            return body["type"], body["error"]["type"]
        case "native":
            return body["error"]["code"]


KINDS = {"openai": ("server_error", "internal_error"), "anthropic": ("error", "api_error"), "native": "internal_error"}


def failing(shape: Shape, handler: Handler) -> Endpoint:
    return Endpoint("POST", "/fails", handler, "Fails", shape=shape, counts="work")


@pytest.mark.parametrize("shape", SHAPES)
async def test_an_unexpected_failure_is_told_in_the_apis_shape_with_an_id_that_is_in_the_log(shape: Shape) -> None:
    async def fail(call: Call) -> web.StreamResponse:
        raise RuntimeError(SECRET)

    async with gate(None, failing(shape, fail)) as it:
        _, token = await it.key()
        with capture_logs() as logs:
            status, body, headers = await it.ask("/fails", token, method="POST")
    assert (status, kind(shape, body)) == (500, KINDS[shape])
    assert headers["X-Request-Id"] in body["error"]["message"]
    assert "private" not in json.dumps(body)
    (line,) = [line for line in logs if line["event"] == "request_failed"]
    assert (line["request"], line["endpoint"]) == (headers["X-Request-Id"], "POST /fails")
    assert SECRET in str(line["exc_info"])


ENCODERS: dict[Shape, Callable[[Call], Encoder]] = {
    "openai": lambda call: Chunks(call, "main", (), usage=False, whole=False, session=True),
    "anthropic": lambda _: Frames("main", (), whole=False, session=True),
    "native": lambda _: TextFrames("ann", ()),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_stream_that_fails_unexpectedly_ends_with_an_error_of_its_api(shape: Shape) -> None:
    async def fail(call: Call) -> web.StreamResponse:
        encoder = ENCODERS[shape](call)
        async with Stream(call, {}, encoder.error) as out:
            await out.write(encoder.begin("t1"))
            raise RuntimeError(SECRET)
        return out.response

    async with gate(None, failing(shape, fail)) as it:
        _, token = await it.key()
        headers = {"Authorization": f"Bearer {token}"}
        with capture_logs() as logs:
            async with it.http.post(f"{it.url}/fails", headers=headers) as answer:
                text, request = await answer.text(), answer.headers["X-Request-Id"]
        assert answer.status == 200
    last = text.strip().split("\n\n")[-1]
    body = json.loads(last.rpartition("data: ")[2])
    assert kind(shape, body) == KINDS[shape]
    assert request in body["error"]["message"]
    assert "private" not in text
    assert [line["request"] for line in logs if line["event"] == "request_failed"] == [request]


@pytest.mark.parametrize(
    ("method", "path", "headers", "shape", "status"),
    [
        ("GET", "/v1/embeddings", {}, "openai", 404),
        ("GET", "/v1/chat/completions", {}, "openai", 405),
        ("POST", "/v1/messages/count_tokens", {}, "anthropic", 404),
        ("GET", "/v1/messages", {}, "anthropic", 405),
        ("POST", "/v1/complete", {"anthropic-version": "2023-06-01"}, "anthropic", 404),
        ("GET", "/api/nothing", {}, "native", 404),
        ("DELETE", "/api/sessions", {}, "native", 405),
    ],
)
async def test_what_nobody_serves_is_told_in_the_apis_shape(
    method: str, path: str, headers: dict[str, str], shape: Shape, status: int
) -> None:
    async with gate() as it:
        found, body, head = await it.ask(path, method=method, headers=headers)
    code = "not_found" if status == 404 else "method_not_allowed"
    words: dict[Shape, object] = {
        "openai": ("not_found_error" if status == 404 else "invalid_request_error", code),
        "anthropic": ("error", "not_found_error" if status == 404 else "invalid_request_error"),
        "native": code,
    }
    assert (found, kind(shape, body)) == (status, words[shape])
    assert ("Allow" in head) == (status == 405)
