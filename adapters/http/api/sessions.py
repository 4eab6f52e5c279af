"""`/api/sessions`: what Claude remembers; made, listed, seen and forgotten."""

from __future__ import annotations

import time
from dataclasses import replace
from uuid import uuid4

from aiohttp import web
from pydantic import Field

from adapters.http.api.agents import definition
from adapters.http.api.answers import Limit, Told, told
from adapters.http.api.chosen import Metadata, busy, changing, folder, lasting, wished
from adapters.http.api.session_shape import SessionShown, SessionStatus, shown
from adapters.http.asking import conversation
from adapters.http.authors import author
from adapters.http.call import Call, http_adapter
from adapters.http.endpoint import Endpoint
from adapters.http.errors import HttpError
from adapters.http.paging import place, written
from adapters.http.sessions import Known, known, within
from adapters.http.wishes import Body, Claude, Effort, Given, SessionName, Thinking, UserName
from botkit.model import PermissionMode, Session


class SessionQuery(Body):
    """Which sessions: the key's own, or those of one of its end users.

    A page of chosen ones may be short, or empty, although there is a next.
    """

    bot: str = ""
    user: str = ""
    project: str | None = None
    """"" are those in the bot's own folder."""
    status: SessionStatus | None = None
    all: bool = False
    """Those of everybody; for a key that counts as an admin."""
    after: str = ""
    """The `next` of the page before."""
    limit: Limit = 50


class SessionPage(Told):
    """Newest use first."""

    data: list[SessionShown]
    next: str | None
    """What `after` must be for the next page."""


class NewSession(Body):
    """How a session begins. Claude hears of it with the first message."""

    bot: str
    name: SessionName = ""
    """What the program calls it, for instance as `X-Session-Id`; "" makes a name up."""
    user: UserName | None = None
    """The end user it belongs to."""
    project: str = ""
    """One of the bot's projects; "" is the bot's own folder."""
    model: str = ""
    permission_mode: PermissionMode | None = None
    agent: str = ""
    """Who answers: one of `/api/agents`."""
    thinking: Thinking | None = None
    effort: Effort | None = None
    system: str = ""
    """Added to the system prompt."""
    tools: tuple[str, ...] | None = None
    """The only built-in tools there are; [] is none."""
    disallowed_tools: tuple[str, ...] = ()
    metadata: Metadata = Field(default_factory=dict)


async def page(call: Call) -> web.StreamResponse:
    query = call.query(SessionQuery)
    if query.all and not call.key.scopes.admin:
        raise HttpError(403, "not_in_scope", "this API key is no admin's", field="all")
    owner, before = "" if query.all else author(call.key.id, query.user), place(query.after, "after")
    found: list[Known] = []
    for name, bot in call.gateway.house.bots.items():
        adapter = http_adapter(bot)
        if adapter is None or not call.key.scopes.bot(name) or query.bot not in ("", name):
            continue
        sessions = await bot.store.list_sessions(name, owner=owner, before=before)
        found += [Known(bot, adapter, session) for session in sessions]
    found.sort(key=lambda each: (each.session.used, each.session.id), reverse=True)
    listed = found[: query.limit]
    last = listed[-1].session if len(listed) == query.limit else None
    # Without those that were forgotten, and those in projects that the key may no longer use.
    seen = [shown(each, call.key) for each in listed if each.session.owner and within(call.key, each)]
    data = [each for each in seen if query.project in (None, each.project) and query.status in (None, each.status)]
    return told(SessionPage(data=data, next=written(last.used, last.id) if last else None))


async def create(call: Call) -> web.StreamResponse:
    body, now = call.parsed(NewSession), time.time()
    bot, adapter = call.reach(body.bot, field="bot")
    claude = Claude(
        tools=body.tools,
        disallowed_tools=body.disallowed_tools,
        permission_mode=body.permission_mode,
        thinking=body.thinking,
        effort=body.effort,
    )
    workdir = folder(adapter, call, bot, body.project)
    wanted = wished(call, bot, adapter, claude, model=body.model, system=Given(body.system, "system"))
    if body.agent:
        wanted = replace(wanted, agent=body.agent, agents=await definition(call, bot, body.agent, field="agent"))
    where = f"{bot.name}/{conversation(call, adapter, body.name or uuid4().hex).key}"
    if body.name and await bot.store.session(where) is not None:
        raise _exists()
    own = lasting(wanted)
    # Where it is like every other session of the bot, a ready worker is promised to it.
    usual = workdir == str(bot.settings.workdir)
    session = Session(
        id=await bot.runner.reserve(wanted if usual else replace(wanted, workdir=workdir)),
        bot=bot.name,
        conversation=where,
        workdir=workdir,
        owner=author(call.key.id, body.user or ""),
        created=now,
        used=now,
        model=wanted.model or bot.settings.model,
        mode=wanted.mode or bot.settings.mode,
        overrides=own,
        metadata=body.metadata,
    )
    if not await bot.store.new_session(session):
        raise _exists()  # since a moment
    return told(shown(Known(bot, adapter, session), call.key), status=201)


def _exists() -> HttpError:
    return HttpError(409, "session_exists", "there is a session of this name", field="name")


async def show(call: Call) -> web.StreamResponse:
    return told(shown(await known(call, call.part("id")), call.key))


async def delete(call: Call) -> web.StreamResponse:
    await forget(await known(call, call.part("id")))
    return web.Response(status=204)


async def forget(found: Known) -> None:
    """Raises HttpError 409 while a turn of it runs."""
    async with changing(found) as now:
        if not await now.bot.runner.forget(now.session.id):
            raise busy()
        # Nobody's and nowhere: the row stays until its time is over, so that what it cost is still known.
        gone = replace(now.session, conversation="", owner="", title="", metadata={})
        await now.bot.store.save_session(gone)


_ALL, _ONE = "/api/sessions", "/api/sessions/{id}"
ENDPOINTS = (
    Endpoint("GET", _ALL, page, "Sessions, newest use first", "sessions", query=SessionQuery, answer=SessionPage),
    Endpoint(
        "POST",
        _ALL,
        create,
        "A new session",
        "sessions",
        body=NewSession,
        answer=SessionShown,
        status=201,
        repeatable=True,
    ),
    Endpoint("GET", _ONE, show, "A session", "sessions", answer=SessionShown),
    Endpoint("DELETE", _ONE, delete, "Forget it, also on disk", "sessions", status=204),
)
