"""The tools that botkit itself gives to Claude, as the CLI asks for them: MCP's JSON-RPC inside control lines. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec import Raw, Struct

SERVER = "botkit"
REQUEST = "mcp_message"
"""The subtype of the CLI's control requests for such a server."""
CONFIG = msgspec.json.encode({"mcpServers": {SERVER: {"type": "sdk", "name": SERVER}}}).decode()
"""What tells the CLI of the server, as `--mcp-config` takes it."""
PROTOCOL = "2025-06-18"
"""Offered to a client that names no version of its own."""
_UNREADABLE, _NO_REQUEST, _NO_METHOD, _WRONG = -32700, -32600, -32601, -32602

Reply = dict[str, object]


@dataclass(frozen=True, slots=True)
class Tool:
    """What Claude is told of a tool; `schema` is the JSON schema of its arguments."""

    name: str
    description: str
    schema: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """Claude uses a tool; `arguments` is JSON."""

    id: int | str
    tool: str
    arguments: Raw = field(repr=False)


SEND_FILE = Tool(
    "send_file",
    "Send a file to the people in this chat, as a message of its own that they can open and download. They cannot see "
    "your working directory, so use it whenever they ask for a file or the result is one (a report, an image, an "
    "archive). What is in the file now is sent; it may be changed or deleted afterwards. Only regular files inside the "
    "working directory or the additional directories can be sent.",
    {
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "The file; a relative path starts at the working directory"},
            "caption": {"type": "string", "description": "A sentence shown with it, as Markdown"},
        },
        "required": ["path"],
        "additionalProperties": False,
    },
)
TOOLS = (SEND_FILE,)
OWN = tuple(f"mcp__{SERVER}__{tool.name}" for tool in TOOLS)
"""The tools' names as permission rules know them."""


class _Parameters(Struct):
    name: str = ""
    arguments: Raw = Raw(b"{}")
    version: str = msgspec.field(default=PROTOCOL, name="protocolVersion")


class _Message(Struct):
    method: str = ""
    id: int | str | None = None
    params: Raw = Raw(b"{}")


def read(message: Raw, tools: Sequence[Tool] = TOOLS) -> Reply | Call:
    """The answer to a message, or the call that must be carried out to answer it. Never raises."""
    try:
        said = msgspec.json.decode(message, type=_Message)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _failed(None, _UNREADABLE, "not a JSON-RPC message")
    if said.id is None:
        # Nothing answers a notification, but the control line that brought it wants an answer.
        return {"jsonrpc": "2.0", "result": {}}
    try:
        given = msgspec.json.decode(said.params, type=_Parameters)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _failed(said.id, _WRONG, f"{said.method}: parameters of a wrong shape")
    match said.method:
        case "initialize":
            about = {"name": SERVER, "version": "1"}
            return _reply(
                said.id, {"protocolVersion": given.version, "capabilities": {"tools": {}}, "serverInfo": about}
            )
        case "ping":
            return _reply(said.id, {})
        case "tools/list":
            return _reply(said.id, {"tools": [_listed(tool) for tool in tools]})
        case "tools/call" if any(tool.name == given.name for tool in tools):
            return Call(said.id, given.name, given.arguments)
        case "tools/call":
            return _failed(said.id, _WRONG, f"there is no tool {given.name!r}")
        case "":
            return _failed(said.id, _NO_REQUEST, "no method")
        case method:
            return _failed(said.id, _NO_METHOD, f"there is no method {method!r}")


def done(call: Call, text: str, *, ok: bool = True) -> Reply:
    """The answer to a call: what Claude is told."""
    return _reply(call.id, {"content": [{"type": "text", "text": text}], "isError": not ok})


def _listed(tool: Tool) -> Reply:
    # Never behind the CLI's search for tools: it is one tool, and Claude has to know that it can do this.
    always = {"anthropic/alwaysLoad": True}
    return {"name": tool.name, "description": tool.description, "inputSchema": tool.schema, "_meta": always}


def _reply(id: int | str, result: Reply) -> Reply:
    return {"jsonrpc": "2.0", "id": id, "result": result}


def _failed(id: int | str | None, code: int, message: str) -> Reply:
    return {"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}
