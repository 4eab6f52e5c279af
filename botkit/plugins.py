"""Adapters, handlers, middleware and sites by name: entry points, or `module:attribute` for one's own code.

Only what the config names is imported, so a bot that uses Slack alone never loads another platform's SDK.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Literal

from pydantic import BaseModel

from botkit.commands import Command
from botkit.errors import ConfigError
from botkit.protocols import Adapter
from botkit.sites import Site

BROKEN = (ImportError, AttributeError, SyntaxError, NameError, TypeError, ValueError, OSError)
"""What a module with a mistake in it raises when it is imported."""

Group = Literal["adapters", "handlers", "middleware", "sites"]


@dataclass(frozen=True, slots=True)
class Setup:
    """What the set-up of a platform is written for."""

    commands: Sequence[Command]
    """Of the bot's routes."""
    address: str = ""
    """Where the platform finds the bot from outside, its paths follow: "https://bots.example.com/acme"; '' for nowhere.
    """
    settings: BaseModel | None = None
    """What the config says about the adapter, an instance of its model; None where it says nothing that counts."""


@dataclass(frozen=True, slots=True)
class AdapterPlugin:
    """What an adapter's entry point names: its settings model and how to make it. Cheap to import: no SDK.

    `create(name, settings)`: `settings` is an instance of the model, `name` the adapter's config section.
    """

    settings: type[BaseModel]
    create: Callable[[str, Any], Adapter]
    stateless: bool = False
    """Its messages may be stateless: workers for such turns are kept ready as well."""
    site: str = ""
    """The site that its messages come through, and that knows their authors: it serves nobody without."""
    setup: Callable[[Setup], str] | None = None
    """What a person does on the platform, step by step, for `botkit init NAME`."""


@dataclass(frozen=True, slots=True)
class SitePlugin:
    """What a site's entry point names: the settings of its table at the top of the config, and how to make it."""

    settings: type[BaseModel]
    create: Callable[[Any], Site]


def names(group: Group) -> list[str]:
    """The installed plugins of a group."""
    return sorted(point.name for point in entry_points(group=f"botkit.{group}"))


def load(group: Group, name: str) -> object:
    """The object behind a plugin's name or a `module:attribute`. Raises ConfigError, saying which names there are."""
    if ":" in name:
        module, _, attribute = name.partition(":")
    else:
        found = [point for point in entry_points(group=f"botkit.{group}") if point.name == name]
        if not found:
            known = ", ".join(names(group)) or "none"
            raise ConfigError(f"no {group} named {name!r} (installed: {known}; or use 'module:attribute')")
        module, _, attribute = found[0].value.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except BROKEN as problem:
        raise ConfigError(f"{group} {name!r} cannot be loaded: {type(problem).__name__}: {problem}") from problem


def setup_of(adapter: str, wanted: Setup) -> str:
    """The set-up steps of an adapter. Raises ConfigError when it needs none."""
    setup = load_adapter(adapter).setup
    if setup is None:
        raise ConfigError(f"the adapter {adapter!r} needs no set-up")
    return setup(wanted)


def load_adapter(name: str) -> AdapterPlugin:
    plugin = load("adapters", name)
    if not isinstance(plugin, AdapterPlugin):
        raise ConfigError(f"adapter {name!r} is not an AdapterPlugin")
    return plugin


def load_site(name: str) -> SitePlugin:
    plugin = load("sites", name)
    if not isinstance(plugin, SitePlugin):
        raise ConfigError(f"site {name!r} is not a SitePlugin")
    return plugin
