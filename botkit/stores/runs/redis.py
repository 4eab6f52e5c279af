"""Async runs on a Redis or Valkey server."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from botkit.roles import PAGE
from botkit.runs import ENDED, Repeatable, Run
from botkit.stores.codec import Codec
from botkit.stores.pages import drop_old, rows
from botkit.stores.run_scripts import RUNS
from botkit.stores.server import Argument, Server

_runs = Codec(Run)
_requests = Codec(Repeatable)

_SAVE = RUNS + "save_run(unpack(ARGV))"

_KEEP = """
local function keep(name, expires, data)
  redis.call('HSET', 'botkit:repeatable', name, data)
  redis.call('ZADD', 'botkit:repeatable:expires', expires, name)
end
"""

# name, expires, data, at
_CLAIM = (
    _KEEP
    + """
local name, expires, data, at = unpack(ARGV)
local until_ = redis.call('ZSCORE', 'botkit:repeatable:expires', name)
if until_ and tonumber(until_) > tonumber(at) then return redis.call('HGET', 'botkit:repeatable', name) end
keep(name, expires, data)
"""
)

_ANSWER = _KEEP + "keep(unpack(ARGV))"

_FORGET = """
redis.call('HDEL', 'botkit:repeatable', ARGV[1])
redis.call('ZREM', 'botkit:repeatable:expires', ARGV[1])
"""


class RedisRuns:
    """See `roles.Runs`."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def save(self, run: Run) -> None:
        await self._server.run(_SAVE, *run_arguments(run))

    async def get(self, id: str) -> Run | None:
        data = await self._server.command("HGET", "botkit:runs", id)
        return None if data is None else _runs.decode(data)

    async def list(self, key: str, *, before: tuple[float, str] | None = None, most: int = PAGE) -> Sequence[Run]:
        found: list[Run] = []
        async for data in rows(self._server, f"botkit:runs:at/{key}", "botkit:runs", newest=True, after=before):
            found += _runs.readable([data])
            if len(found) == most:
                break
        return found

    async def claim(self, request: Repeatable) -> Repeatable | None:
        data = _requests.encode(request)
        earlier = await self._server.run(_CLAIM, _name(request.key, request.name), request.expires, data, request.at)
        return None if earlier is None else _requests.decode(earlier)

    async def answer(self, request: Repeatable) -> None:
        name = _name(request.key, request.name)
        await self._server.run(_ANSWER, name, request.expires, _requests.encode(request))

    async def forget(self, key: str, name: str) -> None:
        await self._server.run(_FORGET, _name(key, name))

    async def purge(self, before: float, now: float) -> int:
        index, owners = "botkit:runs:at", "botkit:run:key"
        went = await drop_old(
            self._server, index, "botkit:runs", before, prefix=f"{index}/", owners=owners, also=("botkit:run:ended",)
        )
        return went + await drop_old(self._server, "botkit:repeatable:expires", "botkit:repeatable", now)


def run_arguments(run: Run) -> list[Argument]:
    """What `save_run` takes."""
    return [run.id, run.key, run.created, int(run.status in ENDED), _runs.encode(run)]


def _name(key: str, name: str) -> str:
    return f"{quote(key, safe='')}/{quote(name, safe='')}"
