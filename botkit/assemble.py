"""Makes a bot's parts from its config: adapters, routes, middleware. Raises ConfigError for what cannot be loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeGuard, cast

from botkit.config import BotConfig
from botkit.errors import ConfigError
from botkit.plugins import load, load_adapter
from botkit.protocols import Adapter
from botkit.routing import Middleware, Route, Routes


def adapters_of(config: BotConfig) -> list[Adapter]:
    """The adapters a bot's config names, not yet connected. Raises ConfigError."""
    return [load_adapter(name).create(name, settings) for name, settings in config.adapters.items()]


def routes_of(config: BotConfig) -> Routes:
    """The routes of a bot's handlers, in their order. Raises ConfigError."""
    found: list[Route] = []
    for name in config.handlers:
        for route in _each(load("handlers", name)):
            if not isinstance(route, Route):
                raise ConfigError(
                    f"handler {name!r} is not a Route or a tuple of them", key=f"bots.{config.name}.handlers"
                )
            found.append(route)
    return Routes(found)


def middleware_of(config: BotConfig) -> list[Middleware]:
    """A bot's middleware, outermost first. Raises ConfigError."""
    found: list[Middleware] = []
    for name in config.middleware:
        layer = load("middleware", name)
        if not _is_middleware(layer):
            raise ConfigError(f"middleware {name!r} cannot be called", key=f"bots.{config.name}.middleware")
        found.append(layer)
    return found


def _each(routes: object) -> Iterator[object]:
    if isinstance(routes, Iterable) and not isinstance(routes, str):
        yield from cast("Iterable[object]", routes)
    else:
        yield routes


def _is_middleware(layer: object) -> TypeGuard[Middleware]:
    # What it takes and gives back only shows when it is called; a wrong one fails its message visibly.
    return callable(layer)
