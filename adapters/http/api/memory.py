"""`/api/sessions/{id}/memory`: the project's CLAUDE.md, and what Claude remembers by itself about the project."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, StringConstraints

from adapters.http.api.answers import Told, told
from adapters.http.api.inside import Inside
from adapters.http.api.permits import permit
from adapters.http.call import Call
from adapters.http.endpoint import Endpoint
from adapters.http.errors import HttpError, invalid
from adapters.http.sessions import known
from adapters.http.wishes import Body
from botkit.claude import memory

PROJECT = "CLAUDE.md"
MOST = 1024 * 1024
"""Bytes of one file."""


class MemoryFile(Told):
    """A file that Claude reads when a session begins."""

    kind: Literal["project", "auto"]
    name: str
    text: str


class Memory(Told):
    """The project's own file first."""

    data: list[MemoryFile]


class MemoryChange(Body):
    """The whole text of a file. It is the project's: all sessions that work there read it."""

    kind: Literal["project", "auto"] = "project"
    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.md$")] = "MEMORY.md"
    """Of the kind "auto"."""
    text: Annotated[str, Field(max_length=MOST)]


async def show(call: Call) -> web.StreamResponse:
    found = await known(call, call.part("id"))
    around = permit(found, "Read")
    places = around.workdir, memory.folder(around.environment, around.workdir)
    return told(Memory(data=await asyncio.to_thread(_read, *places)), hide=found.bot.redactor)


async def change(call: Call) -> web.StreamResponse:
    found, body = await known(call, call.part("id")), call.parsed(MemoryChange)
    around = permit(found, "Edit")
    place, name = around.workdir, PROJECT
    if body.kind == "auto":
        place, name = memory.folder(around.environment, around.workdir), body.name
    try:
        data = body.text.encode()
    except UnicodeEncodeError:
        raise invalid("text", "is no text: half of a character") from None
    await asyncio.to_thread(_write, place, name, data)
    return told(MemoryFile(kind=body.kind, name=name, text=body.text))


def _read(workdir: Path, auto: Path) -> list[MemoryFile]:
    found = [MemoryFile(kind="project", name=PROJECT, text=text) for text in _text(workdir, PROJECT)]
    names = sorted(path.name for path in auto.glob("*.md")) if auto.is_dir() else []
    return found + [MemoryFile(kind="auto", name=name, text=text) for name in names for text in _text(auto, name)]


def _text(folder: Path, name: str) -> list[str]:
    """What is in it; nothing of one that is not there, or leads elsewhere."""
    try:
        return [Inside(folder).read(Path(name), most=MOST).decode(errors="replace")]
    except HttpError:
        return []


def _write(folder: Path, name: str, data: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    Inside(folder).write(Path(name), data, field="text")


_PATH = "/api/sessions/{id}/memory"
ENDPOINTS = (
    Endpoint("GET", _PATH, show, "CLAUDE.md, and what Claude remembers by itself", "tools", answer=Memory),
    Endpoint("PUT", _PATH, change, "Write one of these files", "tools", body=MemoryChange, answer=MemoryFile),
)
