"""One line about a tool: the command, the file, the pattern; and what a tool is about to do, in full. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from botkit.events import CUT

SUMMARY = 200
DETAIL = 4000
OUTPUT = 4000
"""Longest texts, in characters."""

_TELLING = {
    "Bash": ("command",),
    "Read": ("file_path",),
    "Write": ("file_path",),
    "Edit": ("file_path",),
    "NotebookEdit": ("notebook_path",),
    "Glob": ("pattern", "path"),
    "Grep": ("pattern", "path"),
    "WebFetch": ("url",),
    "WebSearch": ("query",),
    "Task": ("description",),
    "Agent": ("description",),
    "Skill": ("skill", "args"),
    "TaskCreate": ("subject",),
    "TaskUpdate": ("taskId", "status"),
}
_LIKELY = ("command", "file_path", "path", "pattern", "url", "query", "description", "subject", "name", "prompt")


def fields(raw: msgspec.Raw) -> Mapping[str, object]:
    """A tool's input; empty when it is not an object."""
    try:
        return msgspec.json.decode(raw, type=dict[str, object]) if bytes(raw) else {}
    except msgspec.DecodeError:
        return {}


def summary(tool: str, given: Mapping[str, object]) -> str:
    """What the tool is used on, in one line; '' when its input does not say."""
    keys = _TELLING.get(tool) or next(((key,) for key in _LIKELY if isinstance(given.get(key), str)), ())
    said = " ".join(str(given[key]) for key in keys if given.get(key))
    return cut(" ".join(said.split()), SUMMARY)


def detail(tool: str, given: Mapping[str, object]) -> str:
    """All that the tool would do, as text: the whole command, the change, the input as JSON."""
    match tool:
        case "Bash":
            text = str(given.get("command", ""))
        case "Write":
            text = f"{given.get('file_path', '')}\n{_marked('+', given.get('content'))}"
        case "Edit":
            text = "\n".join(
                (
                    str(given.get("file_path", "")),
                    _marked("-", given.get("old_string")),
                    _marked("+", given.get("new_string")),
                )
            )
        case "ExitPlanMode":
            text = str(given.get("plan", ""))
        case _:
            text = msgspec.json.format(msgspec.json.encode(given), indent=2).decode() if given else ""
    return cut(text, DETAIL)


def output(content: msgspec.Raw) -> str:
    """A tool's result as text, cut: a string, or the text blocks of a list."""
    raw = bytes(content)
    if not raw:
        return ""
    try:
        said = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    if isinstance(said, str):
        return cut(said, OUTPUT)
    texts = (_text(block) for block in _items(said))
    return cut("\n".join(text for text in texts if text), OUTPUT)


def cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}{CUT}"


def _items(said: object) -> list[object]:
    return msgspec.convert(said, list[object]) if isinstance(said, list) else []


def _text(block: object) -> str:
    if not isinstance(block, dict):
        return ""
    known = msgspec.convert(block, dict[str, object])
    text = known.get("text")
    return text if isinstance(text, str) else f"[{known.get('type', 'content')}]"


def _marked(mark: str, text: object) -> str:
    return "\n".join(f"{mark} {line}" for line in str(text or "").splitlines())
