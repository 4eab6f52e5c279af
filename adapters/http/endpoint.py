"""One row of the table of routes: what is served, by whom, what it takes and gives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from aiohttp import web
from pydantic import BaseModel

from adapters.http.errors import Shape
from botkit.runs import Run

if TYPE_CHECKING:
    from adapters.http.call import Call

Handler = Callable[["Call"], Awaitable[web.StreamResponse]]
Counts = Literal["free", "look", "stream", "work", "run"]
"""What a request takes of its key.

"free": nothing, for it is answered from memory, or ends or decides what is at work. "look": a request of the minute and
the day. "stream": the same, and a place among the open streams. "work": the same as "look", and it leaves a usage
record. "run": the same as "work", but within all limits of the key, and with a place among its runs at once.
"""
Again = Callable[["Call", Run], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path with its handler. The OpenAPI document and the README's table are made of these."""

    method: str
    path: str
    """`{name}` stands for one part, found in `call.part("name")`."""
    handler: Handler
    summary: str
    """One line."""
    scope: str = ""
    """What a key's `endpoints` must hold; '' is any key."""
    body: type[BaseModel] | None = None
    """The handler gets it by `call.parsed(Model)`."""
    query: type[BaseModel] | None = None
    """What may stand behind the `?`; the handler gets it by `call.query(Model)`."""
    answer: type[BaseModel] | None = None
    shape: Shape = "native"
    """How errors are told."""
    open: bool = False
    """Needs no key."""
    admin: bool = False
    """Needs an administrator instead of a key: `call.admin` is who it is. Served where [gateway.admin] says who may."""
    counts: Counts | None = None
    """None: "look" for GET, "work" for all else."""
    status: int = 200
    """Of an answer."""
    also: Mapping[int, type[BaseModel]] = field(default_factory=dict[int, type[BaseModel]], hash=False)
    """Other answers that are no errors, by their status."""
    media: str = "application/json"
    """What an answer is."""
    events: bool = False
    """The answer may be a stream of server-sent events."""
    takes: tuple[str, ...] = ()
    """Media types of a body that is no JSON."""
    repeatable: bool = False
    """With the same Idempotency-Key it is carried out once."""
    again: Again | None = None
    """Of a repeatable one that asks Claude: answers it when it is sent again, with the run it began, as that is now."""

    @property
    def counted(self) -> Counts:
        return self.counts or ("look" if self.method == "GET" else "work")

    @property
    def name(self) -> str:
        """As in usage records."""
        return f"{self.method} {self.path}"


def methods_by_path(endpoints: Iterable[Endpoint]) -> Mapping[str, str]:
    """Each path with its methods: "GET, POST"."""
    found: dict[str, str] = {}
    for endpoint in endpoints:
        known = found.get(endpoint.path)
        found[endpoint.path] = f"{known}, {endpoint.method}" if known else endpoint.method
    return found
