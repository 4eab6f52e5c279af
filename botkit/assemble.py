"""Makes a bot's parts from its config: adapters, routes, middleware. Raises ConfigError for what cannot be loaded."""

from __future__ import annotations

from botkit.config import BotConfig
from botkit.errors import ConfigError
from botkit.plugins import load, load_adapter
from botkit.protocols import Adapter
from botkit.routing import Middleware, Route, Routes


def adapters_of(config: BotConfig) -> list[Adapter]:
    """The adapters a bot's config names, not yet connected. Raises ConfigError."""
    return [load_adapter(name).create(name, settings, config.display) for name, settings in config.adapters.items()]


def routes_of(config: BotConfig) -> Routes:
    """The routes of a bot's handlers, in their order. Raises ConfigError."""
    found: list[Route] = []
    for name in config.handlers:
        routes = load("handlers", name)
        candidates: tuple[object, ...] = tuple(routes) if isinstance(routes, tuple | list) else (routes,)
        for route in candidates:
            if not isinstance(route, Route):
                raise ConfigError(f"handler {name!r} is not a Route or a tuple of them", key=f"bots.{config.name}")
            found.append(route)
    return Routes(found)


def middleware_of(config: BotConfig) -> list[Middleware]:
    """A bot's middleware, outermost first. Raises ConfigError."""
    found: list[Middleware] = []
    for name in config.middleware:
        layer = load("middleware", name)
        if not callable(layer):
            raise ConfigError(f"middleware {name!r} cannot be called", key=f"bots.{config.name}.middleware")
        found.append(layer)
    return found
