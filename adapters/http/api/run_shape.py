"""A run as programs see it: over HTTP, and in webhooks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from adapters.http.api.answers import Told
from adapters.http.errors import of_outcome
from adapters.http.sent_files import SentFile, sent_files
from botkit.events import TurnFailed, Usage
from botkit.runs import ENDED, Run, RunStatus
from botkit.sheets import moment

if TYPE_CHECKING:
    from adapters.http.call import Call

SETTLING = 120.0
"""Seconds in which a run that the bot's limits refuse has surely been told so."""


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
    files: list[SentFile]
    """Those that Claude sent."""


async def as_they_are(call: Call, runs: Sequence[Run]) -> list[Run]:
    """Runs as the store has them, with the word of the journal on those that have not ended: it knows which have begun,
    in whichever process. Raises StoreError."""
    open = {run.id for run in runs if run.status not in ENDED}
    if not open:
        return list(runs)
    store = call.gateway.house.store
    entries = {entry.id: entry for entry in await store.entries(open)}
    found: list[Run] = []
    for run in runs:
        entry = entries.get(run.id)
        if run.id not in open or (entry is not None and not entry.attempts):
            found.append(run)
        elif entry is not None:
            found.append(replace(run, status="running"))
        else:  # it has left the journal meanwhile
            found.append(_given_up(await store.runs.get(run.id) or run))
    return found


async def as_it_is(call: Call, run: Run) -> Run:
    """The same of one run."""
    (now,) = await as_they_are(call, [run])
    return now


def _given_up(run: Run) -> Run:
    """A run that is not in the journal has ended, or somebody has put it away: nothing will come of it."""
    if run.status in ENDED or time.time() - run.created < SETTLING:
        return run
    return replace(run, status="failed", failed=TurnFailed("gave_up", "botkit has given it up: see its dead letters"))


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
        files=sent_files(run.finished.files) if run.finished is not None else [],
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
