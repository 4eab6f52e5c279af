"""All that happened, for assertions: every call and event with its times, and every rule the client broke."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from adapters.discord.testing.wire import Json
from botkit.testing.news import News

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class ApiCall:
    """One request to the REST API. Times are monotonic seconds; `done` is 0 while unanswered."""

    route: str
    """Its name in this fake: "create_message", "edit_message", … (see `routes`)."""
    path: str
    at: float
    app: str = ""
    arguments: Json = field(default_factory=dict[str, object])
    """Body, query and the ids in the path."""
    files: int = 0
    done: float = 0.0
    status: int = 0
    code: int = 0
    """Discord's error code, 0 if it succeeded."""
    fault: str = ""
    """The scripted trouble that met this call."""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Sent:
    """An event that went to a gateway session."""

    app: str
    event: str
    data: Json
    at: float


@dataclass(frozen=True, slots=True)
class Violation:
    """Something Discord's rules forbid, though Discord might have let it pass in silence."""

    where: str
    what: str


@dataclass(slots=True)
class Record:
    """The history, and the signal that there is more of it."""

    calls: list[ApiCall] = field(default_factory=list[ApiCall])
    events: list[Sent] = field(default_factory=list[Sent])
    violations: list[Violation] = field(default_factory=list[Violation])
    downloads: int = 0
    invalid: Counter[int] = field(default_factory=Counter[int])
    """Answers 401, 403 and 429: ten thousand of them in ten minutes and Cloudflare bans the address."""
    _news: News = field(default_factory=News)

    def violation(self, where: str, what: str) -> None:
        self.violations.append(Violation(where, what))
        self.changed()

    def changed(self) -> None:
        """Something a waiting test may want to look at."""
        self._news.changed()

    async def until(self, predicate: Callable[[], T], within: float) -> T:
        """The predicate's first truthy value, asked again after each change; TimeoutError after `within` seconds."""
        try:
            return await self._news.until(predicate, within)
        except TimeoutError:
            recent = ", ".join(f"{call.route}={call.code or call.status}" for call in self.calls[-8:])
            broken = "; ".join(f"{violation.where}: {violation.what}" for violation in self.violations[-4:])
            raise TimeoutError(
                f"not seen within {within} s; last calls: {recent or 'none'}; broken rules: {broken or 'none'}"
            ) from None
