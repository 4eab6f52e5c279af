"""Reads the transcript the CLI keeps of a session: a file of JSON lines, of which only what was said is taken."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import msgspec

from botkit.claude.prompt import JOINER
from botkit.history import Said, ToolCall


class _Block(msgspec.Struct):
    type: str = ""
    text: str = ""
    thinking: str = ""
    id: str = ""
    name: str = ""
    input: msgspec.Raw = msgspec.Raw(b"{}")
    tool_use_id: str = ""
    content: str | list[_Block] = ""
    is_error: bool = False


class _Spoken(msgspec.Struct):
    content: str | list[_Block] = ""


class _Line(msgspec.Struct, rename="camel"):
    """The lines of other types and those nobody said (reminders, summaries, sub-agents) are skipped."""

    type: str = ""
    uuid: str = ""
    timestamp: str = ""
    is_sidechain: bool = False
    is_meta: bool = False
    is_compact_summary: bool = False
    is_api_error_message: bool = False
    message: _Spoken = msgspec.field(default_factory=_Spoken)


class _Attachment(msgspec.Struct):
    type: str = ""


class _Kind(msgspec.Struct):
    type: str = ""
    attachment: _Attachment = msgspec.field(default_factory=_Attachment)


STOPPED = ("[Request interrupted by user]", "[Request interrupted by user for tool use]")
"""What the CLI notes in the user's name when a turn was stopped."""

_DECODER = msgspec.json.Decoder(_Line)
_KIND = msgspec.json.Decoder(_Kind)


def files(environment: Mapping[str, str], session: str) -> list[Path]:
    """The files that hold a session, wherever the CLI filed it; none if it has said nothing or runs elsewhere."""
    home = environment.get("CLAUDE_CONFIG_DIR") or str(Path(environment.get("HOME") or Path.home()) / ".claude")
    return sorted(Path(home).glob(f"projects/*/{session}.jsonl"))


def read(environment: Mapping[str, str], session: str) -> Sequence[Said]:
    """All that was said, oldest first. What cannot be read, such as a line that is being written, is left out."""
    found: list[Said] = []
    for path in files(environment, session):
        try:
            data = path.read_bytes()
        except OSError:
            continue
        found += told(data.splitlines())
    return found


def delete(environment: Mapping[str, str], session: str) -> None:
    """Delete a session's transcripts and what lies beside them under its name; what is gone already is fine."""
    for path in files(environment, session):
        path.unlink(missing_ok=True)
        shutil.rmtree(path.with_suffix(""), ignore_errors=True)


def exported(paths: Sequence[Path]) -> bytes:
    """The files' lines for whoever may read what was said: without the CLI's own record of its requests, and without
    the system prompt, which is its operator's. Raises OSError."""
    lines = (line for path in paths for line in path.read_bytes().splitlines())
    return b"".join(kept + b"\n" for line in lines if (kept := _without_prompt(line)))


def _without_prompt(line: bytes) -> bytes:
    try:
        kind = _KIND.decode(line)
    except msgspec.MsgspecError:
        return b""  # it is being written
    if kind.type.startswith("api-request"):
        return b""
    if kind.attachment.type != "prompt_snapshot":
        return line
    whole = msgspec.json.decode(line)
    whole["attachment"] = {"type": "prompt_snapshot"}
    return msgspec.json.encode(whole)


def told(lines: Iterable[bytes]) -> list[Said]:
    """What the lines of a transcript say. Pure."""
    found: list[Said] = []
    for line in _spoken(lines):
        blocks = _blocks(line.message.content)
        found = _answered(found, blocks)
        text = "\n\n".join(block.text for block in blocks if block.type == "text" and block.text)
        said = Said(line.uuid, "user" if line.type == "user" else "assistant", text, _seconds(line.timestamp))
        if text in STOPPED:
            said = replace(said, role="assistant", text="", cut="stopped")
        elif line.type == "user":
            if text:
                found.append(replace(said, text=text.replace(JOINER, "")))
            continue
        else:
            thinking = "\n\n".join(block.thinking for block in blocks if block.thinking)
            said = replace(said, thinking=thinking, tools=_tools(blocks))
            if line.is_api_error_message:
                said = replace(said, cut="failed")
        if found and found[-1].role == "assistant":
            found[-1] = _joined(found[-1], said)
        elif said.text or said.thinking or said.tools or said.cut:
            found.append(said)
    return found


def _tools(blocks: Sequence[_Block]) -> tuple[ToolCall, ...]:
    tools: list[ToolCall] = []
    text = ""
    for block in blocks:
        if block.type == "text":
            text = _both(text, block.text)
        elif block.type == "tool_use":
            tools.append(ToolCall(block.id, block.name, bytes(block.input).decode(), after=len(text)))
    return tuple(tools)


def _spoken(lines: Iterable[bytes]) -> Iterator[_Line]:
    for data in lines:
        try:
            line = _DECODER.decode(data)
        except msgspec.MsgspecError:
            continue
        nobody = line.is_sidechain or line.is_meta or line.is_compact_summary or _own(line.message.content)
        if line.type in ("user", "assistant") and not nobody:
            yield line


def _own(content: str | list[_Block]) -> bool:
    """A command that the CLI carried out by itself: Claude was not told."""
    return isinstance(content, str) and content.startswith("<command-name>")


def _blocks(content: str | list[_Block]) -> list[_Block]:
    return [_Block("text", content)] if isinstance(content, str) else content


def _answered(found: list[Said], blocks: Sequence[_Block]) -> list[Said]:
    """Put the results of tools where the tools are."""
    results = {block.tool_use_id: block for block in blocks if block.type == "tool_result"}
    if not results or not found:
        return found
    tools = tuple(
        replace(tool, output=_text(results[tool.id]), ok=not results[tool.id].is_error) if tool.id in results else tool
        for tool in found[-1].tools
    )
    return [*found[:-1], replace(found[-1], tools=tools)]


def _text(result: _Block) -> str:
    return "\n".join(block.text for block in _blocks(result.content) if block.text)


def _joined(one: Said, more: Said) -> Said:
    before = len(_both(one.text, more.text)) - len(more.text)
    return replace(
        one,
        text=_both(one.text, more.text),
        thinking=_both(one.thinking, more.thinking),
        tools=(*one.tools, *(replace(tool, after=before + tool.after) for tool in more.tools)),
        cut=more.cut or one.cut,
    )


def _both(first: str, second: str) -> str:
    return "\n\n".join(part for part in (first, second) if part)


def _seconds(timestamp: str) -> float:
    try:
        return datetime.fromisoformat(timestamp).timestamp()
    except ValueError:
        return 0.0
