"""`GET /admin/audit`: what administrators did, over HTTP and on the command line."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field

from adapters.http.admin.bodies import Body
from adapters.http.admin.keys import answer
from adapters.http.call import Call
from adapters.http.paging import place, written
from botkit.sheets import moment


class AuditQuery(Body):
    """Which acts."""

    who: str = ""
    """"jwt:ada@example.com", "bootstrap", "cli:ada"."""
    target: str = ""
    """The id of a key."""
    before: str = ""
    """The `next` of the page before."""
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class ActRow(BaseModel):
    id: str
    at: str
    who: str
    what: str
    target: str
    address: str
    detail: dict[str, str]


class AuditPage(BaseModel):
    """Newest first."""

    data: list[ActRow]
    next: str | None


async def audit(call: Call) -> web.Response:
    query = call.query(AuditQuery)
    before, acts = place(query.before, "before"), call.gateway.house.store.acts
    found = await acts.list(who=query.who, target=query.target, before=before, most=query.limit)
    last = found[-1] if len(found) == query.limit else None
    rows = [
        ActRow(
            id=act.id,
            at=moment(act.at),
            who=act.who,
            what=act.what,
            target=act.target,
            address=act.address,
            detail=dict(act.detail),
        )
        for act in found
    ]
    return answer(AuditPage(data=rows, next=written(last.at, last.id) if last else None))
