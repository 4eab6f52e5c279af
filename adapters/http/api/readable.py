"""A conversation as Markdown for people: who said what and when, and which tools were used between. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from botkit.claude.summary import fields, summary
from botkit.history import Said, ToolCall
from botkit.markdown import closed, code

_CUT = {"stopped": "*Stopped here.*", "failed": "*The model could not answer.*"}
REASON = 200
"""Longest reason why a tool failed, in characters."""


def markdown(title: str, said: Sequence[Said]) -> str:
    """The whole conversation. Thinking and what tools answered are left out: the JSON has them."""
    parts = [f"# {' '.join(title.split()) or 'Conversation'}"]
    for each in said:
        parts.append(f"**{'User' if each.role == 'user' else 'Claude'}** · {_moment(each.at)}")
        parts += [_quoted(each.text)] if each.role == "user" else _answer(each)
    return "\n\n".join(parts) + "\n"


def _answer(said: Said) -> list[str]:
    parts: list[str] = []
    told = 0
    tools: list[str] = []
    for tool in said.tools:
        if tool.after > told and said.text[told : tool.after].strip():
            parts += ["\n".join(tools)] if tools else []
            parts.append(closed(said.text[told : tool.after].strip("\n")))
            tools = []
        told = max(told, tool.after)
        tools.append(_tool(tool))
    parts += ["\n".join(tools)] if tools else []
    if said.text[told:].strip():
        parts.append(closed(said.text[told:].strip("\n")))
    if said.cut:
        parts.append(_CUT[said.cut])
    return parts


def _tool(tool: ToolCall) -> str:
    about = summary(tool.name, fields(msgspec.Raw(tool.input.encode())))
    parts = [code(tool.name), code(about), "" if tool.ok else f"failed: {code(tool.output[:REASON])}".rstrip(": ")]
    return f"- {' '.join(part for part in parts if part)}"


def _quoted(text: str) -> str:
    """What a person wrote may be anything; as a quotation it cannot be taken for the rest."""
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
