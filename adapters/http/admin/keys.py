"""`/admin/api-keys`: keys are made, seen, changed, rotated and removed."""

from __future__ import annotations

import time
from typing import Annotated, TypeVar

from aiohttp import web
from pydantic import BaseModel, Field

from adapters.http.admin.bodies import Body, KeyChange, KeyPage, NewKey, Rotation, made, shown
from adapters.http.call import Call
from adapters.http.errors import invalid, not_found
from botkit.issuing import Desk
from botkit.tokens import new_key, new_signing_secret

Result = TypeVar("Result")


class KeyQuery(Body):
    """Which keys."""

    owner: str = ""
    after: str = ""
    """The id of the last key of the page before."""
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


def desk(call: Call) -> Desk:
    """The call's administrator, at work."""
    return Desk(call.gateway.house.store, call.admin.who, call.admin.address)


def answer(body: BaseModel, status: int = 200) -> web.Response:
    return web.Response(status=status, body=body.model_dump_json().encode(), content_type="application/json")


async def create(call: Call) -> web.Response:
    body, now = call.parsed(NewKey), time.time()
    if body.expires is not None and body.expires.timestamp() <= now:
        raise invalid("expires", "this time is over")
    key, token = new_key(body.name, body.owner, now)
    key = body.applied(key, new_signing_secret())
    await desk(call).add(key)
    return answer(made(key, now, token, signing=key.signing), 201)


async def page(call: Call) -> web.Response:
    query, now = call.query(KeyQuery), time.time()
    keys = call.gateway.house.store.keys
    found = await keys.list(owner=query.owner, after=query.after, most=query.limit)
    full = len(found) == query.limit
    return answer(KeyPage(data=[shown(key, now) for key in found], next=found[-1].id if full else None))


async def show(call: Call) -> web.Response:
    key = _found(await call.gateway.house.store.keys.get(call.part("id")))
    return answer(shown(key, time.time()))


async def change(call: Call) -> web.Response:
    body, fresh = call.parsed(KeyChange), new_signing_secret()
    key = _found(await desk(call).change(call.part("id"), lambda key: body.applied(key, fresh)))
    return answer(made(key, time.time(), signing=fresh if key.signing == fresh else ""))


async def delete(call: Call) -> web.Response:
    if not await desk(call).delete(call.part("id")):
        raise not_found("key")
    return web.Response(status=204)


async def rotate(call: Call) -> web.Response:
    body = call.parsed(Rotation) if call.raw else Rotation()
    key, token = _found(await desk(call).rotate(call.part("id"), body.overlap))
    return answer(made(key, time.time(), token))


def _found(found: Result | None) -> Result:
    if found is None:
        raise not_found("key")
    return found
