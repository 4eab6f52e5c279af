"""A run as programs see it: over HTTP, and in webhooks."""

from __future__ import annotations

from adapters.http.api.answers import Told
from adapters.http.errors import of_outcome
from botkit.events import Usage
from botkit.runs import Run, RunStatus
from botkit.sheets import moment


class UsageShown(Told):
    """What a turn took. Tokens as the Messages API counts them, cost in US dollars, time in seconds."""

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost: float
    seconds: float
    tools: int


class RunError(Told):
    """Why there is no answer."""

    code: str
    message: str


class RunShown(Told):
    """What became of a message that nobody waited for."""

    id: str
    """Also the turn's."""
    status: RunStatus
    bot: str
    session: str
    """The session's id, once it has ended."""
    name: str
    """The session's name."""
    user: str
    created: str
    ended: str | None
    text: str | None
    usage: UsageShown | None
    error: RunError | None


def shown(run: Run) -> RunShown:
    outcome = run.finished or run.failed
    problem = of_outcome(outcome) if outcome is not None else None
    return RunShown(
        id=run.id,
        status=run.status,
        bot=run.bot,
        session=outcome.session if outcome is not None else "",
        name=run.session,
        user=run.user,
        created=moment(run.created),
        ended=moment(run.ended) if run.ended else None,
        text=run.finished.text if run.finished is not None and problem is None else None,
        usage=used(outcome.usage) if outcome is not None else None,
        error=RunError(code=problem.code, message=problem.message) if problem is not None else None,
    )


def used(usage: Usage) -> UsageShown:
    return UsageShown(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        cost=usage.cost,
        seconds=usage.seconds,
        tools=usage.tools,
    )
