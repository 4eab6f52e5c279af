"""`…/tools/edit` and `bash`: change a session's folder without a turn."""

from __future__ import annotations

import asyncio
from typing import Annotated

from aiohttp import web
from pydantic import Field

from adapters.http.api.answers import Told, told
from adapters.http.api.inside import MOST, Inside
from adapters.http.api.permits import permit, unchangeable
from adapters.http.api.reading import GivenPath, seen
from adapters.http.api.shell import Ran, run
from adapters.http.call import Call
from adapters.http.endpoint import Endpoint
from adapters.http.errors import HttpError, invalid
from adapters.http.sessions import Known, known
from adapters.http.wishes import Body

Text = Annotated[str, Field(max_length=MOST)]


class EditFile(Body):
    """A text is replaced by another; with no `old`, `new` is all that is in the file."""

    path: GivenPath
    old: Text | None = None
    """What stands there now, exactly and once; null writes the whole file."""
    new: Text
    all: bool = False
    """Wherever it stands, however often."""


class FileEdited(Told):
    """What was done."""

    path: str
    created: bool
    replaced: int
    """How many times `old` stood there."""
    size: int
    """Bytes of the file now."""


class RunCommand(Body):
    """A command line, as bash reads it."""

    command: Annotated[str, Field(min_length=1, max_length=100_000, pattern=r"^[^\x00]+$")]
    timeout: Annotated[float, Field(gt=0, le=600)] = 120.0
    """Seconds; then it is ended, with all it has started."""


class CommandRan(Told):
    """What came of it."""

    exit_code: int | None
    """null: it was ended."""
    stdout: str
    stderr: str
    truncated: bool
    """It said more than is shown."""
    timed_out: bool


async def edit(call: Call) -> web.StreamResponse:
    found, body = await known(call, call.part("id")), call.parsed(EditFile)
    inside = Inside(permit(found, "Edit").workdir)
    return told(await asyncio.to_thread(_edit, found, inside, body))


async def bash(call: Call) -> web.StreamResponse:
    if not call.key.scopes.bash:
        raise HttpError(403, "not_in_scope", "this API key may not run commands")
    found, body = await known(call, call.part("id")), call.parsed(RunCommand)
    around = permit(found, "Bash")
    if not around.launcher:
        raise HttpError(403, "no_sandbox", "this bot has no launcher: commands run in a sandbox only")
    try:
        ran = await run(around, body.command, body.timeout)
    except OSError as problem:
        raise HttpError(
            503, "sandbox_unavailable", f"the bot's launcher cannot be started: {problem.strerror}"
        ) from None
    return told(_ran(ran), hide=found.bot.redactor)


def _edit(found: Known, inside: Inside, body: EditFile) -> FileEdited:
    path = seen(found, inside, body.path)
    if unchangeable(path):
        raise HttpError(403, "protected", "this file is not changed from here", field="path")
    new = _bytes(body.new, "new")
    if body.old is None:
        created = inside.write(path, new)
        return FileEdited(path=str(path), created=created, replaced=0, size=len(new))
    old, now = _bytes(body.old, "old"), inside.read(path)
    count = now.count(old) if old else 0
    if not count or (count > 1 and not body.all):
        raise HttpError(409, "no_match", f"the text stands there {count} times", field="old")
    data = now.replace(old, new)
    if len(data) > MOST:
        raise HttpError(413, "file_too_large", f"the file would have more than {MOST} bytes", field="new")
    inside.write(path, data)
    return FileEdited(path=str(path), created=False, replaced=count, size=len(data))


def _bytes(text: str, field: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise invalid(field, "is no text: half of a character") from None


def _ran(ran: Ran) -> CommandRan:
    return CommandRan(
        exit_code=ran.exit_code,
        stdout=ran.stdout.decode(errors="replace"),
        stderr=ran.stderr.decode(errors="replace"),
        truncated=ran.truncated,
        timed_out=ran.timed_out,
    )


_TOOLS = "/api/sessions/{id}/tools"
ENDPOINTS = (
    Endpoint("POST", f"{_TOOLS}/edit", edit, "Change a file", "tools", body=EditFile, answer=FileEdited),
    Endpoint(
        "POST",
        f"{_TOOLS}/bash",
        bash,
        "Run a command in the bot's sandbox",
        "tools",
        body=RunCommand,
        answer=CommandRan,
    ),
)
