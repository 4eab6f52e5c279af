"""The bot's commands as Discord's slash commands, told to Discord only when they differ from what it has."""

from __future__ import annotations

import re
from collections.abc import Sequence

import structlog

from adapters.discord.api import Api
from adapters.discord.wire import Json, read
from botkit.commands import Command
from botkit.errors import AdapterError

log = structlog.get_logger("botkit.discord")

COMMANDS = "/applications/{}/commands"
TEXT = 3
"""The type of an option that takes text."""
OPTION = "text"
"""The one option of a command: whatever may be typed after its name."""
MOST, LONGEST = 100, 100
"""Commands of an application; characters of a description."""
_NAME = re.compile(r"[-_\w]{1,32}")
"""https://docs.discord.com/developers/interactions/application-commands#application-command-object"""


def described(command: Command) -> Json:
    """A command as Discord takes it: usable in servers and in direct messages."""
    role = "" if command.role == "user" else f" (for the role {command.role})"
    option = {
        "type": TEXT,
        "name": OPTION,
        "description": command.usage[:LONGEST],
        "required": not command.complete,
    }
    return {
        "type": 1,
        "name": command.name,
        "description": (command.about.replace("`", "") + role)[:LONGEST],
        "options": [option] if command.usage else [],
        "contexts": [0, 1],
        "integration_types": [0],
    }


def same(ours: list[Json], theirs: object) -> bool:
    """Whether Discord has exactly these commands; it adds fields of its own and leaves out empty and false ones."""
    known = [_comparable(one) for one in read(theirs, list[Json]) or []]
    return sorted(map(repr, known)) == sorted(repr(_comparable(one)) for one in ours)


async def sync(api: Api, application: str, commands: Sequence[Command]) -> bool:
    """Register the commands if they changed; True when they had to be. Never raises: words work without them."""
    fit = [command for command in commands if _NAME.fullmatch(command.name)]
    ours = [described(command) for command in fit[:MOST]]
    if len(ours) < len(commands):
        log.warning("commands_left_out", commands=[each.name for each in commands if each not in fit[:MOST]])
    try:
        if same(ours, await api.call("GET", COMMANDS, application)):
            return False
        await api.call("PUT", COMMANDS, application, json=ours)
    except AdapterError as problem:
        log.warning("commands_not_registered", problem=str(problem))
        return False
    log.info("commands_registered", commands=len(ours))
    return True


def _comparable(command: Json) -> tuple[object, ...]:
    options = read(command.get("options") or [], list[Json]) or []
    return (
        command.get("type", 1),
        command.get("name"),
        command.get("description"),
        tuple(
            (option.get("type"), option.get("name"), option.get("description"), bool(option.get("required")))
            for option in options
        ),
        tuple(sorted(read(command.get("contexts"), list[int]) or ())),
        tuple(sorted(read(command.get("integration_types"), list[int]) or ())),
    )
