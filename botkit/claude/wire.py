"""What the CLI says, as types: one JSON object a line. Pure; unknown types and fields are normal."""

from __future__ import annotations

import json
from collections.abc import Iterable

import msgspec
from msgspec import Raw, Struct, field

EMPTY = Raw(b"")


class TextPart(Struct, tag="text_delta"):
    text: str


class ThinkingPart(Struct, tag="thinking_delta"):
    thinking: str


class JsonPart(Struct, tag="input_json_delta"):
    pass


class SignaturePart(Struct, tag="signature_delta"):
    pass


class Delta(Struct, tag="content_block_delta"):
    delta: TextPart | ThinkingPart | JsonPart | SignaturePart


class MessageStart(Struct, tag="message_start"):
    pass


class BlockStart(Struct, tag="content_block_start"):
    pass


class BlockStop(Struct, tag="content_block_stop"):
    pass


class MessageDelta(Struct, tag="message_delta"):
    pass


class MessageStop(Struct, tag="message_stop"):
    pass


class Ping(Struct, tag="ping"):
    pass


class Stream(Struct, tag="stream_event"):
    """A piece of an answer that is being written."""

    event: Delta | MessageStart | BlockStart | BlockStop | MessageDelta | MessageStop | Ping
    parent: str | None = field(default=None, name="parent_tool_use_id")


class Block(Struct):
    """A content block of any kind; fields that a kind does not have stay empty."""

    type: str
    text: str = ""
    thinking: str = ""
    id: str = ""
    name: str = ""
    input: Raw = EMPTY
    tool_use_id: str = ""
    content: Raw = EMPTY
    is_error: bool | None = None


class Said(Struct):
    content: str | list[Block] = ""
    model: str | None = None


class Assistant(Struct, tag="assistant"):
    """Whole blocks of the answer. `error` is set when the text is the CLI's own word for a failed request."""

    message: Said
    parent: str | None = field(default=None, name="parent_tool_use_id")
    error: str | None = None


class UserEcho(Struct, tag="user"):
    """Results of tools, or (`replay`) a line of ours that was taken up."""

    message: Said
    parent: str | None = field(default=None, name="parent_tool_use_id")
    replay: bool = field(default=False, name="isReplay")
    uuid: str = ""
    result: Raw = field(default=EMPTY, name="tool_use_result")


class System(Struct, tag="system"):
    """News of the CLI itself: `init`, `status`, `api_retry`, `compact_boundary`, `background_tasks_changed` …"""

    subtype: str = ""
    session: str = field(default="", name="session_id")
    model: object = None
    status: object = None
    attempt: object = 0
    delay: object = field(default=0, name="retry_delay_ms")
    error_status: object = None
    tasks: object = None


class Tokens(Struct):
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0


class Origin(Struct):
    kind: str = ""


class Denied(Struct):
    tool_name: str = ""
    tool_input: Raw = EMPTY


class Result(Struct, tag="result"):
    """The end of a turn. `total` is cumulative over the session; `origin` is set on turns nobody asked for."""

    subtype: str
    is_error: bool = False
    result: str | None = None
    session: str = field(default="", name="session_id")
    total: float = field(default=0.0, name="total_cost_usd")
    duration_ms: float = 0.0
    usage: Tokens | None = None
    denials: list[Denied] = field(default_factory=list[Denied], name="permission_denials")
    terminal_reason: str | None = None
    errors: list[object] = field(default_factory=list[object])
    api_error_status: object = None
    structured: Raw = field(default=EMPTY, name="structured_output")
    """The answer as a JSON schema asked for it; `null` or nothing without one."""
    origin: Origin | None = None


class Suggestion(Struct):
    """A permission update the CLI proposes. Only `addRules` is ever granted."""

    type: str = ""
    rules: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    behavior: str = ""


class Asked(Struct):
    subtype: str = ""
    tool_name: str = ""
    input: Raw = EMPTY
    description: str | None = None
    suggestions: list[Suggestion] = field(default_factory=list[Suggestion], name="permission_suggestions")
    blocked_path: str | None = None
    tool_use_id: str | None = None
    server_name: str = ""
    message: Raw = EMPTY
    """JSON-RPC, of `mcp_message`."""


class ControlRequest(Struct, tag="control_request"):
    request_id: str
    request: Asked


class ControlCancel(Struct, tag="control_cancel_request"):
    request_id: str


class Response(Struct):
    subtype: str = ""
    request_id: str = ""
    response: Raw = EMPTY
    error: str = ""


class ControlResponse(Struct, tag="control_response"):
    response: Response


IGNORED = frozenset(("command_lifecycle", "conversation_reset", "rate_limit_event", "tool_progress", "keep_alive"))
"""Known types of lines that say nothing botkit needs."""

Line = Stream | Assistant | UserEcho | System | Result | ControlRequest | ControlCancel | ControlResponse


class Unknown(Struct):
    """A line of a kind that is not known here, or a known one in an unknown shape. `type` is '' for garbage."""

    type: str = ""
    subtype: str = ""


class TooLong(Struct):
    """A line that was not kept."""


HALF = b"\\ud"
"""Begins the escape of half a character, also of one half alone: JavaScript writes those, msgspec reads none."""

_decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)
_unknown = msgspec.json.Decoder(Unknown)


def read(lines: Iterable[bytes | None]) -> list[Line | Unknown | TooLong]:
    """Lines that came together, None for one that was too long; what they say of one text in a row is one piece.

    Empty lines are left out. Never raises.
    """
    said: list[Line | Unknown | TooLong] = []
    parent, before = None, None
    for raw in lines:
        line, piece = TooLong() if raw is None else decode(raw), None
        if isinstance(line, Stream) and isinstance(line.event, Delta) and isinstance(line.event.delta, TextPart):
            piece = line.event.delta
            if before is not None and line.parent == parent:
                before.text += piece.text
                continue
            parent = line.parent
        if line is not None:
            said.append(line)
            before = piece
    return said


def decode(line: bytes) -> Line | Unknown | None:
    """One line; None for an empty one. Never raises."""
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        whole = _without_halves(line) if HALF in line.lower() else line
        return _partly(line) if whole == line else decode(whole)


def _without_halves(line: bytes) -> bytes:
    """The line with question marks for half characters; itself if it is no JSON."""
    try:
        return json.dumps(json.loads(line), ensure_ascii=False).encode(errors="replace")
    except (ValueError, RecursionError):
        return line


def _partly(line: bytes) -> Unknown | None:
    if not line.strip():
        return None
    try:
        return _unknown.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Unknown()
