"""`/api/agents`: who may answer. Those of the bot's config are everybody's; a key defines more for itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import msgspec
from aiohttp import web
from pydantic import Field, StringConstraints

from adapters.http.api.answers import Told, told
from adapters.http.api.chosen import changing, wished
from adapters.http.call import Call
from adapters.http.endpoint import Endpoint
from adapters.http.errors import HttpError, not_found, unavailable
from adapters.http.sessions import known
from adapters.http.wishes import Body, Claude, Given, startable
from botkit.bot import Bot
from botkit.model import Session

Definitions = dict[str, dict[str, object]]
AgentName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
MOST = 50
"""Agents of one key in one bot."""
TRIES = 100
"""Others that may change an agent of the key while one is changed."""


class AgentQuery(Body):
    """Whose agents."""

    bot: str


class Agent(Told):
    """Somebody who may answer, or whom Claude may ask."""

    name: str
    description: str
    prompt: str
    tools: list[str] | None
    """The only tools it has; null: all."""
    model: str
    configured: bool
    """It stands in the bot's config, and cannot be changed here."""


class Agents(Told):
    """By name."""

    data: list[Agent]


class AgentDefinition(Body):
    """What an agent is."""

    description: Annotated[str, Field(min_length=1, max_length=2000)]
    """When Claude should ask it."""
    prompt: Annotated[str, Field(min_length=1, max_length=100_000)]
    """Its system prompt."""
    tools: tuple[str, ...] | None = None
    model: str = ""


class NewAgent(AgentDefinition):
    """An agent of this key."""

    name: AgentName


class AgentChoice(Body):
    """Who answers from now on."""

    agent: str
    """"" is Claude as it is."""


async def page(call: Call) -> web.StreamResponse:
    bot, _ = call.reach(call.query(AgentQuery).bot, field="bot")
    own, configured = await _own(call, bot), _configured(bot)
    listed = [_shown(name, each, configured=True) for name, each in configured.items()]
    listed += [_shown(name, each, configured=False) for name, each in own.items()]
    return told(Agents(data=sorted(listed, key=lambda agent: agent.name)))


async def create(call: Call) -> web.StreamResponse:
    body = call.parsed(NewAgent)
    return await _write(call, body.name, body, new=True)


async def change(call: Call) -> web.StreamResponse:
    return await _write(call, call.part("name"), call.parsed(AgentDefinition), new=False)


async def choose(call: Call) -> web.StreamResponse:
    """A session keeps the definition it was given, whatever becomes of the agent."""
    body = call.parsed(AgentChoice)
    async with changing(await known(call, call.part("id"))) as found:
        more = await definition(call, found.bot, body.agent, field="agent") if body.agent else ""
        # The CLI goes on with the prompt a session began with, unless it is told not to.
        own = replace(found.session.overrides, agent=body.agent, agents=more, rerender=found.session.turns > 0)
        await found.bot.store.save_session(replace(found.session, overrides=own))
    return told(AgentChoice(agent=body.agent))


async def definition(call: Call, bot: Bot, name: str, *, field: str) -> str:
    """An agent's definition, as the CLI takes it; '' for one of the config, which it knows. Raises HttpError 404."""
    if name in _configured(bot):
        return ""
    own = await _own(call, bot)
    if name not in own:
        raise not_found("agent", field=field)
    return msgspec.json.encode({name: own[name]}).decode()


async def _write(call: Call, name: str, body: AgentDefinition, *, new: bool) -> web.Response:
    bot, adapter = call.reach(call.query(AgentQuery).bot, field="bot")
    wished(call, bot, adapter, Claude(tools=body.tools), model=body.model)
    startable(Given(msgspec.json.encode(body.prompt).decode(), "prompt"))
    if name in _configured(bot):
        raise HttpError(409, "agent_configured", "this agent stands in the bot's config", field="name")
    given: dict[str, object] = {
        "description": body.description,
        "prompt": body.prompt,
        **({"tools": list(body.tools)} if body.tools is not None else {}),
        **({"model": body.model} if body.model else {}),
    }
    # All are one mark: who finds it changed meanwhile looks at what is there now.
    for _ in range(TRIES):
        kept = await bot.store.mark(_mark(call, bot))
        own = _read(kept)
        if new and name in own:
            raise HttpError(409, "agent_exists", "there is an agent of this name", field="name")
        if not new and name not in own:
            raise not_found("agent")
        if len(own) >= MOST and new:
            raise HttpError(409, "too_many_agents", f"this API key has {MOST} agents", field="name")
        changed = msgspec.json.encode(own | {name: given}).decode()
        if await bot.store.change_mark(_mark(call, bot), kept, changed):
            return told(_shown(name, given, configured=False), status=201 if new else 200)
    raise unavailable("too many agents are being changed at once", code="busy")


async def _own(call: Call, bot: Bot) -> Definitions:
    return _read(await bot.store.mark(_mark(call, bot)))


def _read(kept: str | None) -> Definitions:
    return msgspec.json.decode(kept, type=Definitions) if kept else {}


def _mark(call: Call, bot: Bot) -> str:
    return f"agents/{bot.name}/{call.key.id}"


def _configured(bot: Bot) -> Definitions:
    around = bot.runner.surroundings(Session("", bot.name, "", "", "", 0.0, 0.0))
    return msgspec.json.decode(around.agents, type=Definitions) if around.agents else {}


def _shown(name: str, given: dict[str, object], *, configured: bool) -> Agent:
    tools = given.get("tools")
    return Agent(
        name=name,
        description=str(given.get("description", "")),
        prompt="" if configured else str(given.get("prompt", "")),
        tools=[str(each) for each in tools] if isinstance(tools, list) else None,  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        model=str(given.get("model", "")),
        configured=configured,
    )


_ALL, _ONE = "/api/agents", "/api/agents/{name}"
ENDPOINTS = (
    Endpoint("GET", _ALL, page, "Who may answer", "sessions", query=AgentQuery, answer=Agents),
    Endpoint(
        "POST",
        _ALL,
        create,
        "Define an agent",
        "sessions",
        body=NewAgent,
        query=AgentQuery,
        answer=Agent,
        status=201,
        repeatable=True,
    ),
    Endpoint("PUT", _ONE, change, "Change it", "sessions", body=AgentDefinition, query=AgentQuery, answer=Agent),
    Endpoint(
        "PUT",
        "/api/sessions/{id}/agent",
        choose,
        "Who answers in a session",
        "sessions",
        body=AgentChoice,
        answer=AgentChoice,
    ),
)
