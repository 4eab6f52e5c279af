"""Which handler answers a message: a table of commands, then one route for each kind. The cost does not grow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from botkit.commands import Command
from botkit.context import Context
from botkit.errors import ConfigError
from botkit.model import Kind, Message, Role

Handler = Callable[[Context], Awaitable[None]]
Middleware = Callable[[Context, Handler], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Route:
    """A handler, the messages it is for, and the flags that middleware and the bot read."""

    handler: Handler
    commands: tuple[str, ...] = ()
    """Names without a prefix; the first is shown in `/help`. Without any, the route is for `kinds`."""
    kinds: tuple[Kind, ...] = ()
    usage: str = ""
    """What follows the command's name, for `/help`: `[N]`."""
    about: str = ""
    """One line for `/help`; '' hides the command."""
    urgent: bool = False
    """Overtakes the lane: it must not wait for the turn it is about."""
    role: Role = "user"
    """The least role that may use it."""
    limited: bool = True
    """Takes a token of the sender's limits."""
    unaddressed: bool = False
    """Also for messages that are not meant for the bot (somebody deletes a message it is answering)."""

    @property
    def name(self) -> str:
        return self.commands[0] if self.commands else getattr(self.handler, "__name__", "handler")


class Routes:
    """All routes of a bot. Commands are found by name in written messages and pressed buttons alike."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._commands: dict[str, Route] = {}
        self._kinds: dict[Kind, Route] = {}
        for route in routes:
            for name in route.commands:
                if name in self._commands:
                    raise ConfigError(f"two handlers want the command /{name}")
                self._commands[name] = route
            for kind in route.kinds:
                self._kinds.setdefault(kind, route)

    @property
    def commands(self) -> Mapping[str, Route]:
        """Every command's name (aliases too) and its route, in the order of the config."""
        return MappingProxyType(self._commands)

    @property
    def listed(self) -> tuple[Command, ...]:
        """What people are told of, each command by its first name, in the order of the config."""
        routes = dict.fromkeys(route for route in self._commands.values() if route.about)
        return tuple(Command(route.name, route.about, route.usage, route.role) for route in routes)

    def find(self, message: Message) -> Route | None:
        """The route of a message; None when it is nobody's or not meant for the bot."""
        route = self._commands.get(message.command) if message.kind in ("new", "action") else None
        if route is None:
            route = self._kinds.get(message.kind)
        if route is None or not (message.addressed or route.unaddressed):
            return None
        return route


def compose(middleware: Iterable[Middleware], handler: Handler) -> Handler:
    """One onion: the first middleware is the outermost."""
    for layer in reversed(tuple(middleware)):
        handler = _wrap(layer, handler)
    return handler


def _wrap(layer: Middleware, inner: Handler) -> Handler:
    async def call(ctx: Context) -> None:
        await layer(ctx, inner)

    return call
