"""Slash commands: listed, created and overwritten, globally or for a guild.

https://docs.discord.com/developers/interactions/application-commands
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from adapters.discord.testing.form import Form
from adapters.discord.testing.routes.call import Answer, Call, Route
from adapters.discord.testing.wire import Json, Refusal, is_mapping, is_sequence, mapping, mappings, string

MAX_COMMANDS, MAX_CREATED, MAX_OPTIONS, MAX_CHOICES, MAX_SIZE = 100, 200, 25, 25, 8000
_NAME = re.compile(r"^[-_'\w]{1,32}$")


def listing(call: Call) -> Answer:
    return list(_commands(call))


def overwrite(call: Call) -> Answer:
    """All commands at once: those of a known name keep their id, those left out are gone."""
    if not is_sequence(call.body):
        raise Refusal(50035, errors={"_errors": [{"code": "LIST_TYPE_CONVERT", "message": "Only iterables"}]})
    form, given = Form(), mappings(call.body)
    for index, command in enumerate(given):
        _check(form, command, (index,))
    names = [(command.get("type", 1), command.get("name")) for command in given]
    if len(set(names)) < len(names):
        form.complain((), "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
    form.check()
    if len(given) > MAX_COMMANDS:
        raise Refusal(30032)
    known = {string(command["name"]): command for command in _commands(call)}
    written = [_written(call, command, known.get(string(command["name"]))) for command in given]
    call.app.commands[call.places.get("guild", "")] = written
    call.site.record.changed()
    return list(written)


def create(call: Call) -> Answer:
    """A command; one with the name of another takes its place."""
    form = Form()
    _check(form, call.fields, ())
    form.check()
    commands = _commands(call)
    old = next((command for command in commands if command["name"] == call.fields["name"]), None)
    if old is None and len(commands) >= MAX_COMMANDS:
        raise Refusal(30032)
    new = _written(call, call.fields, old)
    if old is not None:
        commands.remove(old)
    commands.append(new)
    return new


def delete(call: Call) -> Answer:
    commands = _commands(call)
    found = next((command for command in commands if command["id"] == call.places["command"]), None)
    if found is None:
        raise Refusal(10063)
    commands.remove(found)
    return None


def _commands(call: Call) -> list[Json]:
    if call.places["application"] != call.app.id:
        raise Refusal(20001)
    guild = call.places.get("guild", "")
    if guild and guild not in call.site.directory.guilds:
        raise Refusal(50001)
    return call.app.commands.setdefault(guild, [])


def _written(call: Call, command: Json, old: Json | None) -> Json:
    if old is None:
        if call.app.created >= MAX_CREATED:
            raise Refusal(30034)
        call.app.created += 1
    kept: Json = {"id": old["id"], "version": old["version"]} if old else {"id": call.site.clock.snowflake()}
    if old is None or any(old.get(key) != value for key, value in command.items()):
        kept["version"] = call.site.clock.snowflake()
    guild = call.places.get("guild")
    usual: Json = {"type": 1, "description": "", "default_member_permissions": None, "nsfw": False, "options": []}
    usual |= {"application_id": call.app.id, **({"guild_id": guild} if guild else {})}
    return usual | command | kept


def _check(form: Form, command: Json, at: tuple[str | int, ...]) -> None:
    kind = form.choice(command.get("type", 1), (*at, "type"), {1, 2, 3, 4})
    name = form.text(command.get("name"), (*at, "name"), 32, least=1)
    if kind == 1:
        _check_name(form, name, (*at, "name"))
        form.text(command.get("description"), (*at, "description"), 100, least=1)
        _check_options(form, command, at)
    elif command.get("description"):
        form.complain((*at, "description"), "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION", "No description allowed")
    if _size(command) > MAX_SIZE:
        form.complain(at, "APPLICATION_COMMAND_TOO_LARGE", f"Command exceeds maximum size ({MAX_SIZE})")


def _check_options(form: Form, inside: Json, at: tuple[str | int, ...]) -> None:
    optional = False
    for index, option in enumerate(form.items(inside.get("options"), (*at, "options"), MAX_OPTIONS)):
        where = (*at, "options", index)
        kind = form.choice(option.get("type"), (*where, "type"), range(1, 12))
        _check_name(form, form.text(option.get("name"), (*where, "name"), 32, least=1), (*where, "name"))
        form.text(option.get("description"), (*where, "description"), 100, least=1)
        if option.get("required") and optional:
            what = "Required options must be placed before non-required options"
            form.complain(where, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", what)
        optional = optional or (kind > 2 and not option.get("required"))
        for number, choice in enumerate(form.items(option.get("choices"), (*where, "choices"), MAX_CHOICES)):
            form.text(choice.get("name"), (*where, "choices", number, "name"), 100, least=1)
        if kind in (1, 2):
            _check_options(form, option, where)


def _check_name(form: Form, name: str, at: tuple[str | int, ...]) -> None:
    if name and (not _NAME.match(name) or name != name.lower()):
        form.complain(at, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def _size(node: Json) -> int:
    """Names, descriptions and values of a command with all that is in it."""
    own = sum(len(string(node.get(key))) for key in ("name", "description", "value"))
    inner: Iterable[object] = [*mappings(node.get("options")), *mappings(node.get("choices"))]
    return own + sum(_size(mapping(one)) for one in inner if is_mapping(one))


_GLOBAL = "/applications/{application}/commands"
_GUILD = "/applications/{application}/guilds/{guild}/commands"
ROUTES = [
    Route("list_commands", "GET", _GLOBAL, listing, (5, 20.0)),
    Route("overwrite_commands", "PUT", _GLOBAL, overwrite, (5, 20.0)),
    Route("create_command", "POST", _GLOBAL, create, (5, 20.0)),
    Route("delete_command", "DELETE", f"{_GLOBAL}/{{command}}", delete, (5, 20.0)),
    Route("list_guild_commands", "GET", _GUILD, listing, (5, 20.0), ("guild",)),
    Route("overwrite_guild_commands", "PUT", _GUILD, overwrite, (5, 20.0), ("guild",)),
    Route("create_guild_command", "POST", _GUILD, create, (5, 20.0), ("guild",)),
    Route("delete_guild_command", "DELETE", f"{_GUILD}/{{command}}", delete, (5, 20.0), ("guild",)),
]
