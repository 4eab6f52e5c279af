"""All that happened, for assertions: every call with its times, and every rule the client broke."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from adapters.slack.testing.wire import Json
from botkit.testing.news import News

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class ApiCall:
    """One request to the Web API. Times are monotonic seconds; `done` is 0 while unanswered."""

    method: str
    app: str
    arguments: Json
    at: float
    done: float = 0.0
    status: int = 0
    error: str = ""
    """Slack's error code, '' if it succeeded."""
    fault: str = ""
    """The scripted trouble that met this call."""

    @property
    def ok(self) -> bool:
        return self.status == 200 and not self.error


@dataclass(frozen=True, slots=True)
class Violation:
    """Something Slack's rules forbid, though Slack might have let it pass in silence."""

    where: str
    what: str


@dataclass(slots=True)
class Record:
    """The history, and the signal that there is more of it."""

    calls: list[ApiCall] = field(default_factory=list[ApiCall])
    violations: list[Violation] = field(default_factory=list[Violation])
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
            recent = ", ".join(f"{call.method}={call.error or call.status}" for call in self.calls[-8:])
            broken = "; ".join(f"{violation.where}: {violation.what}" for violation in self.violations[-4:])
            raise TimeoutError(
                f"not seen within {within} s; last calls: {recent or 'none'}; broken rules: {broken or 'none'}"
            ) from None
