"""`/api/runs`: what became of messages that nobody waited for."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from adapters.http.api.answers import Limit, Told, cursor, place, told
from adapters.http.api.run_shape import RunShown, shown
from adapters.http.asking import conversation
from adapters.http.call import Call, http_adapter
from adapters.http.endpoint import Endpoint
from adapters.http.errors import not_found
from adapters.http.wishes import Body
from botkit.runs import Run


class RunQuery(Body):
    """Which runs."""

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
    runs = await call.gateway.house.store.runs.list(call.key.id, before=place(query.after), most=query.limit)
    last = runs[-1] if len(runs) == query.limit else None
    data = [shown(_as_it_is(call, run)) for run in runs]
    return told(RunPage(data=data, next=cursor(last.created, last.id) if last else None))


async def show(call: Call) -> web.StreamResponse:
    run = await call.gateway.house.store.runs.get(call.part("id"))
    if run is None or run.key != call.key.id:
        raise not_found("run")
    return told(shown(_as_it_is(call, run)))


def _as_it_is(call: Call, run: Run) -> Run:
    """Whether it waits or runs is not written down: it is seen where that happens."""
    bot = call.gateway.house.bots.get(run.bot)
    adapter = http_adapter(bot) if bot is not None else None
    if bot is None or adapter is None or run.status != "queued":
        return run
    running = bot.lanes.running(conversation(call, adapter, run.session).key)
    return replace(run, status="running") if running is not None and running.turn == run.id else run


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
