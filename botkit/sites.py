"""What stands above all bots on the one web server, and what it sees of the process: the gateway, a web console."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from aiohttp import web

    from botkit.bot import Bot
    from botkit.protocols import Store
    from botkit.redact import Redactor


class House(Protocol):
    """One botkit process: all its bots, its store and its web server, as a site sees them."""

    @property
    def bots(self) -> Mapping[str, Bot]:
        """Every bot of the config by its name. A reload changes what they are made of, not which there are."""
        ...

    @property
    def store(self) -> Store: ...

    @property
    def owner(self) -> str:
        """This process, as the store knows it."""
        ...

    @property
    def environ(self) -> Mapping[str, str]: ...

    @property
    def host(self) -> str:
        """The address the web server listens on, as configured."""
        ...

    @property
    def redactor(self) -> Redactor:
        """Hides the secrets botkit knows from whatever a site shows or logs."""
        ...

    def mount(
        self,
        method: str,
        path: str,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
        *,
        seconds: float | None = 30.0,
    ) -> None:
        """Serve a path of the one web server; `{name}` in it is one part, found in `request.match_info`.

        `seconds` None is for what streams. Raises ConfigError when the path is taken.
        """
        ...

    def on_close(self, call: Callable[[], None]) -> None:
        """Call it when the web server begins to close, before it waits for the requests that are still answered."""
        ...

    def on_unknown(self, prefix: str, answer: Callable[[web.Request, Collection[str]], web.Response]) -> None:
        """Let it answer what nobody serves below a path: with no methods there is none, else it takes these only."""
        ...


class Site(Protocol):
    """Stands above all bots on the one web server. It is there when its table is in the config."""

    def open(self, house: House) -> AbstractAsyncContextManager[None]:
        """Serve while inside.

        Entered before the server listens and before the bots connect; left when the last turn and the last request
        have ended. Whatever comes while botkit stops is refused by the bots themselves: `deliver` raises StoreError.
        """
        ...
