"""What a session is to be like, as programs say it: checked once, then kept with the session."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated

from pydantic import Field, StringConstraints

from adapters.http.adapter import HttpAdapter
from adapters.http.call import Call
from adapters.http.errors import HttpError, not_found
from adapters.http.sessions import Known
from adapters.http.wishes import NOTHING, Claude, Effort, Given, Thinking, chosen, overrides
from botkit.bot import Bot
from botkit.model import Overrides

Word = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
Note = Annotated[str, StringConstraints(max_length=500)]
Metadata = Annotated[dict[Word, Note], Field(max_length=50)]


def wished(
    call: Call,
    bot: Bot,
    adapter: HttpAdapter,
    claude: Claude,
    *,
    model: str = "",
    system: Given = NOTHING,
) -> Overrides:
    """As `wishes.overrides`, for bodies in which the fields stand by themselves. Raises HttpError."""
    try:
        if model:
            chosen(call, f"{bot.name}/{model}")
        return overrides(call, bot, adapter, claude, model=model, system=system)
    except HttpError as problem:
        problem.field = problem.field.removeprefix("claude.")
        raise


def thoughts(call: Call, bot: Bot, adapter: HttpAdapter, thinking: Thinking | None, effort: Effort | None) -> Overrides:
    """How hard the model is to think."""
    return wished(call, bot, adapter, Claude(thinking=thinking, effort=effort))


def folder(adapter: HttpAdapter, call: Call, bot: Bot, project: str) -> str:
    """The folder of a project that this key may use; '' is the bot's own. Raises HttpError 404."""
    if not project:
        return str(bot.settings.workdir)
    found = adapter.settings.projects.get(project)
    if found is None or not call.key.scopes.project(project):
        raise not_found("project", field="project")
    return str(found)


def lasting(wanted: Overrides) -> Overrides:
    """What of it a session remembers as its wishes: the rest has places of its own in a session."""
    return replace(wanted, model="", mode="", workdir="", command=False)


@asynccontextmanager
async def changing(found: Known) -> AsyncGenerator[Known]:
    """The session as it is now, to be saved changed: while inside, no turn of it runs and nobody else changes it, in
    any process. Raises HttpError 404, 409 while a turn runs: its end would undo the change."""
    if found.conversation is not None and found.bot.lanes.running(found.conversation.key) is not None:
        raise busy()
    async with found.bot.leases.alone(found.session.id) as ours:
        if not ours:
            raise busy()
        session = await found.bot.store.find_session(found.session.id)
        if session is None:
            raise not_found("session")
        yield replace(found, session=session)


def busy() -> HttpError:
    return HttpError(409, "busy", "a turn of this session is running", retry_after=1.0)
