"""`…/tools/read`, `glob` and `search`: look into a session's folder without a turn."""

from __future__ import annotations

import asyncio
import base64
import os
import time
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from adapters.http.api.answers import Told, told
from adapters.http.api.inside import Inside
from adapters.http.api.linear import finder
from adapters.http.api.permits import hidden, permit
from adapters.http.call import Call
from adapters.http.endpoint import Endpoint
from adapters.http.errors import HttpError, invalid, not_found
from adapters.http.sessions import Known, known
from adapters.http.wishes import Body

GivenPath = Annotated[str, Field(min_length=1, max_length=4096)]
Pattern = Annotated[str, Field(min_length=1, max_length=500)]
SKIPPED = frozenset((".git", "node_modules", ".venv", "__pycache__"))
"""Folders nobody searches."""
WITHIN = 10.0
"""Seconds that glob and search may take; what was found until then is the answer."""
LOOKED = 200_000
"""Most files looked at."""
FILE = 2 * 1024 * 1024
"""Bytes; larger files are not searched."""
LINE = 500
"""Characters shown of a line that was found."""


class ReadFile(Body):
    """Which file, and which of its lines."""

    path: GivenPath
    offset: Annotated[int, Field(ge=0)] = 0
    """Lines left out at the beginning."""
    limit: Annotated[int, Field(ge=1, le=100_000)] = 2000
    encoding: Literal["utf-8", "base64"] = "utf-8"
    """With "base64" the whole file, as it is."""


class FileRead(Told):
    """What is in a file."""

    path: str
    text: str
    lines: int
    """How many the file has; 0 with base64."""
    size: int
    """Bytes of the file."""


class GlobFiles(Body):
    """Which files, by name."""

    pattern: Pattern
    """"**/*.py": `*` stays in one folder, `**` goes down."""
    limit: Annotated[int, Field(ge=1, le=10_000)] = 1000


class FilesFound(Told):
    """Paths relative to the session's folder, sorted."""

    paths: list[str]
    complete: bool
    """False: there may be more."""


class SearchFiles(Body):
    """What to look for in files."""

    pattern: Pattern
    """A regular expression as RE2 reads it."""
    glob: Pattern = "**"
    """In which files."""
    ignore_case: bool = False
    limit: Annotated[int, Field(ge=1, le=5000)] = 200
    """Most lines."""


class LineFound(Told):
    """A line, from 1."""

    path: str
    line: int
    text: str


class LinesFound(Told):
    """In the order of their files."""

    lines: list[LineFound]
    complete: bool


async def read(call: Call) -> web.StreamResponse:
    found, body = await known(call, call.part("id")), call.parsed(ReadFile)
    inside = Inside(permit(found, "Read").workdir)
    return told(await asyncio.to_thread(_read, found, inside, body), hide=found.bot.redactor)


async def glob(call: Call) -> web.StreamResponse:
    found, body = await known(call, call.part("id")), call.parsed(GlobFiles)
    root = permit(found, "Glob").workdir
    return told(await asyncio.to_thread(_glob, found, root, body))


async def search(call: Call) -> web.StreamResponse:
    found, body = await known(call, call.part("id")), call.parsed(SearchFiles)
    inside = Inside(permit(found, "Grep").workdir)
    try:
        wanted = finder(body.pattern, ignore_case=body.ignore_case)
    except ValueError as problem:
        raise invalid("pattern", f"is no regular expression: {problem}"[:300]) from None
    return told(await asyncio.to_thread(_search, found, inside, body, wanted))


def seen(found: Known, inside: Inside, given: str) -> Path:
    """The path a program named, unless it is another session's. Raises HttpError 404."""
    path = inside.resolve(given)
    if hidden(found, path):
        raise not_found("file in the session's folder", field="path")
    return path


def _read(found: Known, inside: Inside, body: ReadFile) -> FileRead:
    path = seen(found, inside, body.path)
    data = inside.read(path)
    if body.encoding == "base64":
        # Byte by byte, so that all else stays as it is.
        shown = found.bot.redactor.redact(data.decode("latin-1")).encode("latin-1", "replace")
        return FileRead(path=str(path), text=base64.b64encode(shown).decode(), lines=0, size=len(data))
    lines = data.decode(errors="replace").splitlines(keepends=True)
    text = "".join(lines[body.offset : body.offset + body.limit])
    return FileRead(path=str(path), text=text, lines=len(lines), size=len(data))


def _glob(found: Known, root: Path, body: GlobFiles) -> FilesFound:
    paths: list[str] = []
    complete = True
    for path in _files(found, Inside(root), body.pattern):
        if path is None or len(paths) == body.limit:
            complete = False
            break
        paths.append(str(path))
    return FilesFound(paths=sorted(paths), complete=complete)


def _search(found: Known, inside: Inside, body: SearchFiles, wanted: Callable[[str], bool]) -> LinesFound:
    lines: list[LineFound] = []
    until = time.monotonic() + WITHIN
    for path in _files(found, inside, body.glob):
        if path is None or time.monotonic() > until:
            return LinesFound(lines=lines, complete=False)
        try:
            data = inside.read(path, most=FILE)
        except HttpError:
            continue  # gone meanwhile, a pipe, too large
        if b"\0" in data[:4096]:
            continue
        # Before it is searched: whoever guesses a secret letter by letter must not be told when a guess is right.
        known = found.bot.redactor.redact(data.decode(errors="replace"))
        for number, text in enumerate(known.splitlines(), start=1):
            if wanted(text):
                if len(lines) == body.limit:
                    return LinesFound(lines=lines, complete=False)
                lines.append(LineFound(path=str(path), line=number, text=text[:LINE]))
    return LinesFound(lines=lines, complete=True)


def _files(found: Known, inside: Inside, pattern: str) -> Iterator[Path | None]:
    """The files that match, folder by folder; None: it took too long."""
    until, looked = time.monotonic() + WITHIN, 0
    parts = tuple(part for part in pattern.split("/") if part not in ("", "."))
    # Links to folders are not followed: they may lead out, or round in circles.
    for folder, folders, files in os.walk(inside.root):
        here = Path(folder).relative_to(inside.root)
        folders[:] = sorted(each for each in folders if each not in SKIPPED and not _foreign(found, here / each))
        for name in sorted(files):
            looked += 1
            if looked > LOOKED or time.monotonic() > until:
                yield None
                return
            path = here / name
            if matches(path.parts, parts):
                yield path


def _foreign(found: Known, path: Path) -> bool:
    return len(path.parts) >= 3 and hidden(found, path)


@lru_cache(maxsize=50_000)
def matches(path: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Whether a path fits a pattern, part by part. Each pair is looked at once, so many `**` cost little."""
    if not pattern:
        return not path
    if pattern[0] == "**":
        return matches(path, pattern[1:]) or (bool(path) and matches(path[1:], pattern))
    return bool(path) and fnmatchcase(path[0], pattern[0]) and matches(path[1:], pattern[1:])


_TOOLS = "/api/sessions/{id}/tools"
ENDPOINTS = (
    Endpoint("POST", f"{_TOOLS}/read", read, "Read a file of its folder", "tools", body=ReadFile, answer=FileRead),
    Endpoint("POST", f"{_TOOLS}/glob", glob, "Find files by name", "tools", body=GlobFiles, answer=FilesFound),
    Endpoint("POST", f"{_TOOLS}/search", search, "Search in files", "tools", body=SearchFiles, answer=LinesFound),
)
