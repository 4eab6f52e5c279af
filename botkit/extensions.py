"""The tables of bots.toml that belong to plugins: found, and checked by the plugins' own models."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from pydantic import BaseModel, ValidationError

from botkit.errors import ConfigError
from botkit.expand import Toml
from botkit.fields import Root
from botkit.plugins import AdapterPlugin, Group, SitePlugin, load_adapter, load_site, names
from botkit.problems import Key, Problem, dotted, explain, nearest
from botkit.settings import Bot, Settings


@dataclass(slots=True)
class Tables:
    """What stands in the file for plugins."""

    adapters: dict[tuple[str, str], Toml] = field(default_factory=dict[tuple[str, str], Toml])
    """By bot and name: `[bots.main.slack]`."""
    sites: dict[str, Toml] = field(default_factory=dict[str, Toml])
    """By name: `[gateway]`."""


def split(tree: dict[str, Toml]) -> tuple[dict[str, Toml], Tables]:
    """The tree without the plugins' tables, and those tables."""
    found = Tables()
    own = {key for key, value in tree.items() if isinstance(value, dict) and key not in Settings.model_fields}
    found.sites = {key: tree[key] for key in own}
    rest = {key: value for key, value in tree.items() if key not in own}
    bots = rest.get("bots")
    if isinstance(bots, dict):
        rest["bots"] = {name: _split_bot(name, bot, found) for name, bot in bots.items()}
    return rest, found


def _split_bot(name: str, bot: Toml, found: Tables) -> Toml:
    if not isinstance(bot, dict):
        return bot
    own = {key: value for key, value in bot.items() if isinstance(value, dict) and key not in Bot.model_fields}
    found.adapters |= {(name, key): value for key, value in own.items()}
    return {key: value for key, value in bot.items() if key not in own}


def adapters_in(tables: Tables, context: Root, problems: list[Problem]) -> dict[tuple[str, str], BaseModel]:
    """The settings of every bot's adapters; what is wrong is added to `problems`."""
    found: dict[tuple[str, str], BaseModel] = {}
    for (bot, name), table in tables.adapters.items():
        key = ("bots", bot, name)
        if ":" not in name and _unknown(name, key, "adapters", "a table of a bot", Bot.model_fields, problems):
            continue
        if settings := _checked(partial(load_adapter, name), table, key, context, problems):
            found[bot, name] = settings
    return found


def sites_in(tables: Tables, context: Root, problems: list[Problem]) -> dict[str, BaseModel]:
    """The settings of the sites; what is wrong is added to `problems`."""
    found: dict[str, BaseModel] = {}
    for name, table in tables.sites.items():
        if _unknown(name, (name,), "sites", "a table of this file", Settings.model_fields, problems):
            continue
        if settings := _checked(partial(load_site, name), table, (name,), context, problems):
            found[name] = settings
    return found


def _unknown(name: str, key: Key, group: Group, table: str, fields: Iterable[str], problems: list[Problem]) -> bool:
    known = names(group)
    if name in known:
        return False
    one = group.removesuffix("s")
    expected = f"neither {table} nor an installed {one} (installed: {', '.join(known) or 'none'})"
    problems.append(Problem(dotted(key), expected, nearest(name, [*fields, *known])))
    return True


def _checked(
    load: Callable[[], AdapterPlugin | SitePlugin], table: Toml, key: Key, context: Root, problems: list[Problem]
) -> BaseModel | None:
    try:
        model = load().settings
    except ConfigError as error:
        problems.append(Problem(dotted(key), error.problem))
        return None
    try:
        return model.model_validate(table, context=context)
    except ValidationError as error:
        # A key whose variable is missing is already on the list; what is said of the table may only follow from it.
        missing = {problem.key for problem in problems}
        if any(known.startswith(f"{dotted(key)}.") for known in missing):
            missing.add(dotted(key))
        problems += [problem for problem in explain(error, model, key) if problem.key not in missing]
        return None
