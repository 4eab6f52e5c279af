"""`GET /api/usage` for the key that asks, `GET /admin/usage` for all: what was used, as JSON or CSV."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Annotated, Literal, get_args

import msgspec
from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from adapters.http.admin.keys import desk
from adapters.http.call import Call
from adapters.http.paging import place, written
from botkit.sheets import moment, record_head, record_lines, sum_sheet
from botkit.usage import Dimension, UsageQuery, UsageRecord, UsageSum

MONTH = 30 * 86_400.0
PAGE = 500
"""Records of one question to the store."""
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)


def _dimensions(text: str) -> str:
    for name in filter(None, text.split(",")):
        if name not in DIMENSIONS:
            raise ValueError(f"expected some of {', '.join(DIMENSIONS)}, with commas")
    return text


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(_utc)]
"""ISO 8601; without a zone in UTC."""


class OwnUsageQuery(BaseModel):
    """What to add up, or with `records` which requests to list."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    since: Moment | None = None
    """A month ago, unless given."""
    until: Moment | None = None
    by: Annotated[str, AfterValidator(_dimensions)] = "day"
    """One sum for each: key, bot, model, endpoint, status, user, day; several with commas; "" is one of all."""
    bot: str = ""
    model: str = ""
    endpoint: str = ""
    user: str = ""
    status: Annotated[int, Field(ge=0, le=599)] = 0
    records: bool = False
    """Every single request instead of sums."""
    format: Literal["json", "csv"] = "json"
    after: str = ""
    """With `records`: the `next` of the page before."""
    limit: Annotated[int, Field(ge=1, le=1000)] = 100

    def query(self, key: str) -> UsageQuery:
        return UsageQuery(
            since=self.since.timestamp() if self.since else time.time() - MONTH,
            until=self.until.timestamp() if self.until else float("inf"),
            by=tuple(dimension for name in self.by.split(",") for dimension in DIMENSIONS if dimension == name),
            key=key,
            bot=self.bot,
            model=self.model,
            endpoint=self.endpoint,
            user=self.user,
            status=self.status,
        )


class AllUsageQuery(OwnUsageQuery):
    """The same, for all keys or one."""

    key: str = ""
    """A key's id."""


class UsageAnswer(BaseModel):
    """Sums, each with its `group`; or records. Tokens as the Messages API counts them, `cost` in US dollars."""

    data: list[dict[str, object]]
    next: str | None = None
    limits: dict[str, float] | None = None
    """The key's own limits; 0 is none."""
    spent: dict[str, float] | None = None
    """What counts against them now."""


async def own_usage(call: Call) -> web.StreamResponse:
    asked, key = call.query(OwnUsageQuery), call.key
    spent = await call.gateway.house.store.meter.spent(key.id, time.time())
    return await _answer(call, asked, key.id, {"limits": asdict(key.limits), "spent": asdict(spent)})


async def all_usage(call: Call) -> web.StreamResponse:
    asked = call.query(AllUsageQuery)
    if asked.format == "csv":
        await desk(call).note("usage.export", asked.key)
    return await _answer(call, asked, asked.key, {})


async def _answer(call: Call, asked: OwnUsageQuery, key: str, more: Mapping[str, object]) -> web.StreamResponse:
    query, meter = asked.query(key), call.gateway.house.store.meter
    match asked.records, asked.format:
        case True, "csv":
            return await _sheet(call, query)
        case True, _:
            records = await meter.records(query, after=place(asked.after, "after"), most=asked.limit)
            last = records[-1] if len(records) == asked.limit else None
            body = {"data": [_record(each) for each in records], "next": written(last.at, last.id) if last else None}
        case _, "csv":
            return web.Response(text=sum_sheet(query.by, await meter.sums(query)), content_type="text/csv")
        case _:
            body = {"data": [_sum(query, each) for each in await meter.sums(query)]}
    return web.Response(body=msgspec.json.encode({**body, **more}), content_type="application/json")


async def _sheet(call: Call, query: UsageQuery) -> web.StreamResponse:
    """Every record, page by page, so that a year of them is no burden."""
    headers = {**call.headers, "Content-Disposition": 'attachment; filename="usage.csv"'}
    response = web.StreamResponse(headers=headers)
    response.content_type, response.charset = "text/csv", "utf-8"
    query = replace(query, until=min(query.until, time.time()))
    meter, after = call.gateway.house.store.meter, None
    page = await meter.records(query, most=PAGE)
    await response.prepare(call.request)
    await response.write(record_head().encode())
    while page:
        await response.write(record_lines(page).encode())
        after = page[-1].at, page[-1].id
        page = await meter.records(query, after=after, most=PAGE)
    await response.write_eof()
    return response


def _sum(query: UsageQuery, found: UsageSum) -> dict[str, object]:
    group = dict(zip(query.by, found.group, strict=True))
    return {"group": group, **{name: value for name, value in asdict(found).items() if name != "group"}}


def _record(record: UsageRecord) -> dict[str, object]:
    return {**msgspec.structs.asdict(record), "at": moment(record.at)}
