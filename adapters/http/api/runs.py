"""`/api/runs`: what became of messages that nobody waited for."""

from __future__ import annotations

from aiohttp import web

from adapters.http.api.answers import Limit, Told, told
from adapters.http.api.run_shape import RunShown, as_it_is, as_they_are, shown
from adapters.http.call import Call
from adapters.http.endpoint import Endpoint
from adapters.http.errors import not_found
from adapters.http.paging import place, written
from adapters.http.wishes import Body
from botkit.runs import Run, RunStatus


class RunQuery(Body):
    """Which runs; a page of chosen ones may be short, or empty, although there is a next."""

    bot: str = ""
    name: str = ""
    """The session's."""
    user: str = ""
    status: RunStatus | None = None
    after: str = ""
    """The `next` of the page before."""
    limit: Limit = 50


class RunPage(Told):
    """Newest first."""

    data: list[RunShown]
    next: str | None


class WebhookSecret(Told):
    """What this key's webhooks are signed with, as the Standard Webhooks libraries take it."""

    secret: str


async def page(call: Call) -> web.StreamResponse:
    query = call.query(RunQuery)
    runs = await call.gateway.house.store.runs.list(call.key.id, before=place(query.after, "after"), most=query.limit)
    last = runs[-1] if len(runs) == query.limit else None
    data = [shown(run) for run in await as_they_are(call, runs) if _wanted(query, run)]
    return told(RunPage(data=data, next=written(last.created, last.id) if last else None))


def _wanted(query: RunQuery, run: Run) -> bool:
    return (
        query.bot in ("", run.bot)
        and query.name in ("", run.session)
        and query.user in ("", run.user)
        and query.status in (None, run.status)
    )


async def show(call: Call) -> web.StreamResponse:
    run = await call.gateway.house.store.runs.get(call.part("id"))
    if run is None or run.key != call.key.id:
        raise not_found("run")
    return told(shown(await as_it_is(call, run)))


async def secret(call: Call) -> web.StreamResponse:
    return told(WebhookSecret(secret=call.gateway.webhooks.secret(call.key.id)))


ENDPOINTS = (
    Endpoint("GET", "/api/runs", page, "Runs, newest first", "sessions", query=RunQuery, answer=RunPage),
    Endpoint("GET", "/api/runs/{id}", show, "What became of a run", "sessions", answer=RunShown),
    Endpoint(
        "GET",
        "/api/webhooks/secret",
        secret,
        "What this key's webhooks are signed with",
        "sessions",
        answer=WebhookSecret,
    ),
)
