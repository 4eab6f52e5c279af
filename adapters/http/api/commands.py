"""`/api/sessions/{id}/commands`: Claude Code's own commands, such as /compact."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated

from aiohttp import web
from pydantic import Field

from adapters.http.api.answers import Told, told
from adapters.http.api.messages import Answered, answered, answered_again
from adapters.http.asking import Question
from adapters.http.call import Call
from adapters.http.endpoint import Endpoint
from adapters.http.errors import HttpError, not_found, unavailable
from adapters.http.sessions import Known, known
from adapters.http.wishes import Body
from botkit.model import PLAIN
from botkit.surroundings import CliCommand

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_-]{0,99}")


class Command(Told):
    """A command of Claude Code."""

    name: str
    about: str
    usage: str
    """What follows the name."""


class Commands(Told):
    """What this session offers."""

    data: list[Command]


class Arguments(Body):
    """What follows the command's name."""

    arguments: Annotated[str, Field(max_length=100_000)] = ""


async def page(call: Call) -> web.StreamResponse:
    found = await known(call, call.part("id"))
    return told(Commands(data=[_shown(each) for each in await _offered(found)]))


async def show(call: Call) -> web.StreamResponse:
    found = await known(call, call.part("id"))
    return told(_shown(await _named(found, call.part("name"))))


async def run(call: Call) -> web.StreamResponse:
    """As a turn of the session; where the bot's config lets people do the same."""
    found = await known(call, call.part("id"))
    body = call.parsed(Arguments) if call.raw else Arguments()
    if not found.bot.runner.surroundings(found.session).slash_commands:
        raise HttpError(403, "commands_off", "this bot does not take commands of Claude Code (slash_commands)")
    command = await _named(found, call.part("name"))
    text = f"/{command.name} {' '.join(body.arguments.split())}".rstrip()
    wanted = replace(PLAIN, command=True)
    return await answered(call, Question(found.bot, found.adapter, text, found.name(call.key), overrides=wanted))


async def _named(found: Known, name: str) -> CliCommand:
    command = next((each for each in await _offered(found) if each.name == name), None)
    if command is None or not NAME.fullmatch(name):
        raise not_found("command")
    return command


async def _offered(found: Known) -> list[CliCommand]:
    offered = await found.bot.runner.commands(found.session)
    if offered is None:
        raise unavailable("there is no room for a worker that could say it")
    return list(offered)


def _shown(command: CliCommand) -> Command:
    return Command(name=command.name, about=command.about, usage=command.usage)


_ALL, _ONE = "/api/sessions/{id}/commands", "/api/sessions/{id}/commands/{name}"
ENDPOINTS = (
    Endpoint("GET", _ALL, page, "Claude Code's own commands", "sessions", answer=Commands, counts="work"),
    Endpoint("GET", _ONE, show, "One of them", "sessions", answer=Command, counts="work"),
    Endpoint(
        "POST",
        _ONE,
        run,
        "Run it as a turn",
        "sessions",
        body=Arguments,
        answer=Answered,
        counts="run",
        repeatable=True,
        again=answered_again,
    ),
)
