"""botkit's commands as Discord's slash commands, told to Discord only when they differ from what it has."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from adapters.discord.api import Api
from adapters.discord.wire import Json, read
from botkit.errors import AdapterError

log = structlog.get_logger("botkit.discord")

COMMANDS = "/applications/{}/commands"
TEXT = 3
"""The type of an option that takes text."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command; with `option`, people may say more after it."""

    name: str
    about: str
    option: str = ""
    option_about: str = ""
    required: bool = False


ALL = (
    Command("help", "List the commands"),
    Command("new", "Begin a new session here"),
    Command("stop", "Stop what runs", "what", "all: clear the queue too"),
    Command("status", "Session, model, cost, queue"),
    Command("sessions", "Your sessions"),
    Command("resume", "Go on with one of your sessions here", "session", "Its number or the start of its id", True),
    Command("model", "Show or change the model of this session", "name", "The model to use"),
    Command("mute", "Stay silent in this thread until mentioned"),
    Command("unmute", "Follow this thread again"),
    Command("allow", "Let Claude use the tool it asks for", "request", "Its id; then `session` to allow it for good"),
    Command("deny", "Do not let Claude use the tool", "request", "Its id; then the reason, which Claude reads"),
    Command("answer", "Answer Claude's question", "text", "Your answer", True),
)


def described(command: Command) -> Json:
    """A command as Discord takes it: usable in servers and in direct messages."""
    option = {
        "type": TEXT,
        "name": command.option,
        "description": command.option_about,
        "required": command.required,
    }
    return {
        "type": 1,
        "name": command.name,
        "description": command.about,
        "options": [option] if command.option else [],
        "contexts": [0, 1],
        "integration_types": [0],
    }


def same(ours: list[Json], theirs: object) -> bool:
    """Whether Discord has exactly these commands; it adds fields of its own and leaves out empty and false ones."""
    known = [_comparable(one) for one in read(theirs, list[Json]) or []]
    return sorted(map(repr, known)) == sorted(repr(_comparable(one)) for one in ours)


async def sync(api: Api, application: str) -> bool:
    """Register the commands if they changed; True when they had to be. Never raises: words work without them."""
    ours = [described(command) for command in ALL]
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
