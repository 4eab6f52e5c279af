"""Makes chat text safe for the CLI: no file is attached by `@path`, nothing runs as a slash command. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from botkit.model import Upload
from botkit.redact import whole

JOINER = "\u2060"
"""WORD JOINER, invisible: behind an `@` or before a `/` the CLI takes the text for text (measured on 2.1.329)."""
BLANK = "(an empty message)"
"""The CLI answers blank text by itself, without asking the model."""

# An `@` inside a word, as in an e-mail address, is never taken for a file (measured); anywhere else it may be.
_MENTION = re.compile(r"(?<![A-Za-z0-9])@")


def defuse(text: str, *, slash_commands: bool = False) -> str:
    """The text with every `@path` and, unless commands are allowed, a leading `/` made harmless."""
    safe = _MENTION.sub(f"@{JOINER}", text)
    if slash_commands:
        return safe
    return f"{JOINER}{safe}" if safe.lstrip().startswith("/") else safe


def announce(files: Sequence[Upload]) -> str:
    """What the prompt says of received files. Paths stay as they are, so that tools can open them."""
    lines = [f"- {_path(file.path)} ({_plain(file.name)}, {file.media_type}, {file.size} bytes)" for file in files]
    return "\n".join(["The sender attached these files:", *lines]) if lines else ""


def user_line(prompt: str, files: Sequence[Upload], images: Sequence[tuple[Upload, bytes]], uuid: str) -> bytes:
    """One turn as the CLI reads it. `prompt` is already defused; `images` are shown, all `files` announced.

    The text is the last block and the only one: the CLI looks for commands and files in the last text block.
    """
    text = "\n\n".join(part for part in (prompt, announce(files)) if part.strip()) or BLANK
    blocks: list[dict[str, object]] = [
        {
            "type": "image",
            "source": {
                "type": "base64",
                "media_type": image.media_type,
                "data": base64.b64encode(data).decode("ascii"),
            },
        }
        for image, data in images
    ]
    blocks.append({"type": "text", "text": whole(text)})
    message = {"role": "user", "content": blocks}
    line = {"type": "user", "message": message, "parent_tool_use_id": None, "session_id": "", "uuid": uuid}
    return msgspec.json.encode(line) + b"\n"


def _path(path: Path) -> str:
    """A path as tools need it; only one that holds an `@` behind a space has to be broken."""
    text = str(path)
    return defuse(text) if re.search(r"[^\w./~+-]@", text) else text


def _plain(name: str) -> str:
    return defuse(" ".join(name.split())[:200])
