"""What becomes of a session: stopped, resumed, forked, moved to another project; who answers and what is allowed."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated
from uuid import uuid4

from aiohttp import web
from pydantic import Field, StringConstraints

from adapters.http.api.answers import Told, told
from adapters.http.api.chosen import busy, changing, folder, thoughts
from adapters.http.api.session_shape import SessionShown, shown
from adapters.http.asking import conversation
from adapters.http.authors import author
from adapters.http.call import Call
from adapters.http.endpoint import Endpoint
from adapters.http.errors import HttpError, unavailable
from adapters.http.sessions import Known, known
from adapters.http.wishes import Body, Effort, SessionName, Thinking
from botkit.claude.options import replayable
from botkit.errors import RunnerError
from botkit.model import Session

Rule = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Rules = Annotated[tuple[Rule, ...], Field(max_length=200)]
ASKING = ("default", "acceptEdits")
"""Modes in which somebody is asked: there a program may answer ahead."""


class Stop(Body):
    """What is to end."""

    queue: bool = False
    """Also what waits in the session."""


class Stopped(Told):
    """What has ended."""

    stopped: bool
    """The running turn, for certain; false: none ran."""
    withdrawn: int
    """Messages that waited."""


class Name(Body):
    """What the session is called."""

    name: SessionName = ""
    """"" makes a name up. Another session of this name is left."""


class Permissions(Body):
    """Rules as Claude Code writes them: "Read", "Bash(git status)"."""

    allowed: Rules = ()
    """Not asked about in this session."""
    disallowed: Rules = ()
    """Never done in this session; what the bot's config forbids is forbidden anyway."""


class Project(Body):
    """Where the session works."""

    project: str
    """"" is the bot's own folder."""


class Thoughts(Body):
    """How hard the model thinks."""

    thinking: Thinking | None = None
    """Tokens; false is not at all, null is the bot's own setting."""
    effort: Effort | None = None


async def stop(call: Call) -> web.StreamResponse:
    found = await known(call, call.part("id"))
    body = call.parsed(Stop) if call.raw else Stop()
    where = found.conversation
    if where is None:
        return told(Stopped(stopped=False, withdrawn=0))
    withdrawn = await found.bot.lanes.clear(where.key) if body.queue else 0
    return told(Stopped(stopped=await found.bot.stop(where), withdrawn=withdrawn))


async def resume(call: Call) -> web.StreamResponse:
    """A session that was left goes on."""
    body = call.parsed(Name) if call.raw else Name()
    async with changing(await known(call, call.part("id"))) as found:
        if found.conversation is not None:
            found.name(call.key)  # 409 where it goes on elsewhere
            if not body.name:
                return told(shown(found, call.key))
        return await _saved(call, found, replace(found.session, conversation=_place(call, found, body.name)))


async def fork(call: Call) -> web.StreamResponse:
    """A new session that remembers what was said in this one until now."""
    found = await known(call, call.part("id"))
    body = call.parsed(Name) if call.raw else Name()
    old, now = found.session, time.time()
    new = replace(
        old,
        id=str(uuid4()),
        conversation=_place(call, found, body.name),
        owner=author(call.key.id),
        created=now,
        used=now,
        cost=0.0,
    )
    try:
        copied = await found.bot.runner.fork(old, new.id)
    except RunnerError as problem:
        raise unavailable(f"Claude cannot be run: {problem}") from None
    if not copied:
        new = replace(new, turns=0, title="", cli_cost=0.0)
    return await _saved(call, found, new, status=201)


async def permissions(call: Call) -> web.StreamResponse:
    body = call.parsed(Permissions)
    for field, rules in (("allowed", body.allowed), ("disallowed", body.disallowed)):
        for number, rule in enumerate(rules):
            if not replayable(rule):
                raise HttpError(
                    400, "invalid_request", "is no rule such as Bash(git status)", field=f"{field}.{number}"
                )
    async with changing(await known(call, call.part("id"))) as found:
        mode = found.session.mode or found.bot.settings.mode or "default"
        if set(body.allowed) - set(found.session.rules) and mode not in ASKING:
            # There it was the operator who said what happens without a question.
            raise HttpError(403, "not_allowed", f"nobody is asked in the mode {mode!r}", field="allowed")
        own = replace(found.session.overrides, disallowed_tools=body.disallowed)
        return await _saved(call, found, replace(found.session, rules=body.allowed, overrides=own))


async def project(call: Call) -> web.StreamResponse:
    """Claude's memory belongs to a folder: in another one a new session begins, under the same name."""
    body = call.parsed(Project)
    async with changing(await known(call, call.part("id"))) as found:
        workdir = folder(found.adapter, call, found.bot, body.project)
        if workdir == found.session.workdir:
            return told(shown(found, call.key))
        found.name(call.key)
        if not await found.bot.runner.park(found.session.id):
            raise busy()
        new = replace(found.session, id=str(uuid4()), workdir=workdir, title="", turns=0, cost=0.0, cli_cost=0.0)
        return await _saved(call, found, replace(new, rules=(), created=time.time(), used=time.time()))


async def thinking(call: Call) -> web.StreamResponse:
    body = call.parsed(Thoughts)
    async with changing(await known(call, call.part("id"))) as found:
        wanted = thoughts(call, found.bot, found.adapter, body.thinking, body.effort)
        own = replace(found.session.overrides, thinking=wanted.thinking, effort=wanted.effort)
        return await _saved(call, found, replace(found.session, overrides=own))


def _place(call: Call, found: Known, name: str) -> str:
    return f"{found.bot.name}/{conversation(call, found.adapter, name or uuid4().hex).key}"


async def _saved(call: Call, found: Known, session: Session, *, status: int = 200) -> web.Response:
    await found.bot.store.save_session(session)
    return told(shown(replace(found, session=session), call.key), status=status)


_ONE = "/api/sessions/{id}"
ENDPOINTS = (
    Endpoint(
        "POST", f"{_ONE}/stop", stop, "End the running turn", "sessions", body=Stop, answer=Stopped, counts="free"
    ),
    Endpoint(
        "POST", f"{_ONE}/resume", resume, "Go on with one that was left", "sessions", body=Name, answer=SessionShown
    ),
    Endpoint(
        "POST",
        f"{_ONE}/fork",
        fork,
        "A new session that remembers the same",
        "sessions",
        body=Name,
        answer=SessionShown,
        status=201,
        repeatable=True,
    ),
    Endpoint(
        "PUT",
        f"{_ONE}/tool-permissions",
        permissions,
        "What is not asked about, and what is never done",
        "sessions",
        body=Permissions,
        answer=SessionShown,
    ),
    Endpoint(
        "PUT", f"{_ONE}/project", project, "Work in another project", "sessions", body=Project, answer=SessionShown
    ),
    Endpoint("PUT", f"{_ONE}/thinking", thinking, "How hard it thinks", "sessions", body=Thoughts, answer=SessionShown),
)
