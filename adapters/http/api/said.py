"""What was said in a session: as history, as the tools that were called, and as a file to keep."""

from __future__ import annotations

import asyncio
from typing import Literal

import msgspec
from aiohttp import web

from adapters.http.api.answers import Told, told
from adapters.http.api.readable import markdown
from adapters.http.api.session_shape import shown
from adapters.http.call import Call
from adapters.http.endpoint import Endpoint
from adapters.http.errors import not_found
from adapters.http.sessions import Known, known
from adapters.http.wishes import Body
from botkit.claude import transcript
from botkit.history import Said, ToolCall
from botkit.sheets import moment


class ToolCallShown(Told):
    """A tool Claude used."""

    id: str
    name: str
    input: str
    """JSON."""
    output: str
    ok: bool
    after: int
    """Characters of the answer's text that were said before."""


class SaidShown(Told):
    """One side of the conversation until the other speaks."""

    id: str
    role: Literal["user", "assistant"]
    text: str
    at: str
    thinking: str
    tools: list[ToolCallShown]
    cut: Literal["", "stopped", "failed"]
    """Why an answer is none, or not whole."""


class History(Told):
    """Oldest first."""

    session: str
    data: list[SaidShown]


class ToolCalls(Told):
    """Oldest first."""

    session: str
    data: list[ToolCallShown]


class ExportQuery(Body):
    """As what."""

    format: Literal["markdown", "json", "transcript"] = "markdown"
    """"transcript" is what Claude Code wrote down itself, JSON lines."""


async def history(call: Call) -> web.StreamResponse:
    found = await known(call, call.part("id"))
    said = await found.bot.runner.history(found.session.id)
    return told(History(session=found.session.id, data=[_shown(each) for each in said]), hide=found.bot.redactor)


async def tool_calls(call: Call) -> web.StreamResponse:
    found = await known(call, call.part("id"))
    said = await found.bot.runner.history(found.session.id)
    calls = [_tool(tool) for each in said for tool in each.tools]
    return told(ToolCalls(session=found.session.id, data=calls), hide=found.bot.redactor)


async def export(call: Call) -> web.StreamResponse:
    found, query = await known(call, call.part("id")), call.query(ExportQuery)
    id, title = found.session.id, found.session.title
    if query.format == "transcript":
        environment = found.bot.runner.surroundings(found.session).environment
        files = await asyncio.to_thread(transcript.files, environment, id)
        if not files:
            raise not_found("transcript")
        data = await asyncio.to_thread(transcript.exported, files)
        return _file(found, data, f"{id}.jsonl", "application/x-ndjson")
    said = await found.bot.runner.history(id)
    if query.format == "json":
        whole = {
            "session": shown(found, call.key).model_dump(),
            "messages": [_shown(each).model_dump() for each in said],
        }
        return _file(found, msgspec.json.encode(whole), f"{id}.json", "application/json")
    return _file(found, markdown(title, said).encode(errors="replace"), f"{id}.md", "text/markdown")


def _file(found: Known, data: bytes, name: str, media_type: str) -> web.Response:
    data = found.bot.redactor.redact(data.decode(errors="replace")).encode()
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return web.Response(body=data, headers=headers, content_type=media_type)


def _shown(said: Said) -> SaidShown:
    return SaidShown(
        id=said.id,
        role=said.role,
        text=said.text,
        at=moment(said.at),
        thinking=said.thinking,
        tools=[_tool(tool) for tool in said.tools],
        cut=said.cut,
    )


def _tool(tool: ToolCall) -> ToolCallShown:
    return ToolCallShown(id=tool.id, name=tool.name, input=tool.input, output=tool.output, ok=tool.ok, after=tool.after)


_ONE = "/api/sessions/{id}"
ENDPOINTS = (
    Endpoint("GET", f"{_ONE}/history", history, "What was said", "sessions", answer=History),
    Endpoint("GET", f"{_ONE}/tool-calls", tool_calls, "The tools that were used", "sessions", answer=ToolCalls),
    Endpoint(
        "GET",
        f"{_ONE}/export",
        export,
        "The conversation as a file: Markdown, JSON or the transcript",
        "sessions",
        query=ExportQuery,
        media="text/markdown",
    ),
)
