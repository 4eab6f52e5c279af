"""Use of keys, counted on a Redis or Valkey server.

A window's counter is a hash of its own that expires by itself; its name begins with the window, which has no choice
of characters, so no key's id can name another's. Sums are added up here, from all records of the time asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from botkit.keys import Begun, KeyLimits, Spent
from botkit.roles import PAGE
from botkit.stores.codec import Codec
from botkit.stores.meter.sums import Sums, matches
from botkit.stores.meter.windows import ORDER, allowances, refused, windows
from botkit.stores.pages import CHUNK, drop_old, rows
from botkit.stores.server import Argument, Server
from botkit.usage import UsageQuery, UsageRecord, UsageSum

_records = Codec(UsageRecord)

_SPENT = """
local function counter(window, key) return 'botkit:meter/' .. window .. '/' .. key end
local function used(window, key, field) return redis.call('HGET', counter(window, key), field) or '0' end
local function spent(key, minute, day, month, now)
  local slots = 'botkit:slots/' .. key
  redis.call('ZREMRANGEBYSCORE', slots, '-inf', now)
  return {used(minute, key, 'requests'), used(day, key, 'requests'), used(day, key, 'tokens'),
    used(day, key, 'usd'), used(month, key, 'usd'), tostring(redis.call('ZCARD', slots))}
end
"""

_ASK = _SPENT + "return spent(unpack(ARGV))"

# key, minute, day, month, now, request, slot, then the limits in their order
_BEGIN = (
    _SPENT
    + """
local key, minute, day, month, now, request, slot = unpack(ARGV, 1, 7)
local found, slots = spent(key, minute, day, month, now), 'botkit:slots/' .. key
local wants = tonumber(slot) > 0
if wants and redis.call('ZSCORE', slots, request) then return {'known', found} end
for i = 1, 6 do
  local allowed = tonumber(ARGV[7 + i])
  if allowed > 0 and tonumber(found[i]) >= allowed and (wants or i < 6) then return {'refused', found, i} end
end
for window, kept in pairs({[minute] = 120, [day] = 172800}) do
  redis.call('HINCRBY', counter(window, key), 'requests', 1)
  redis.call('EXPIRE', counter(window, key), kept)
end
if wants then
  redis.call('ZADD', slots, string.format('%.17g', now + slot), request)
  redis.call('EXPIRE', slots, 86400)
end
return {'begun', found}
"""
)

# id, key, at, tokens, cost, data, day, its seconds, month, its seconds, ...
_END = (
    _SPENT
    + """
for i = 1, #ARGV, 10 do
  local id, key, at, tokens, cost, data = unpack(ARGV, i, i + 5)
  if redis.call('HSETNX', 'botkit:usage', id, data) == 1 then
    redis.call('HSET', 'botkit:usage:key', id, key)
    redis.call('ZADD', 'botkit:usage:at', at, id)
    redis.call('ZADD', 'botkit:usage:at/' .. key, at, id)
    for j = i + 6, i + 8, 2 do
      local name = counter(ARGV[j], key)
      redis.call('HINCRBY', name, 'tokens', tokens)
      redis.call('HINCRBYFLOAT', name, 'usd', cost)
      redis.call('EXPIRE', name, ARGV[j + 1])
    end
    redis.call('ZREM', 'botkit:slots/' .. key, id)
  end
end
"""
)

# until, then key, request, ...
_HOLD = """
for i = 2, #ARGV, 2 do redis.call('ZADD', 'botkit:slots/' .. ARGV[i], 'XX', ARGV[1], ARGV[i + 1]) end
"""


# key, request, to, until
_PASS_ON = """
local slots = 'botkit:slots/' .. ARGV[1]
local had = redis.call('ZREM', slots, ARGV[2])
if had == 0 or redis.call('HEXISTS', 'botkit:usage', ARGV[3]) == 1 then return 0 end
redis.call('ZADD', slots, ARGV[4], ARGV[3])
redis.call('EXPIRE', slots, 86400)
return 1
"""


class RedisMeter:
    """See `roles.Meter`."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def begin(self, key: str, limits: KeyLimits, request: str, now: float, *, slot: float = 0.0) -> Begun:
        fixed = (*_moment(key, now), request, slot)
        match await self._server.run(_BEGIN, *fixed, *allowances(limits)):
            case [b"refused", found, index]:
                return refused(ORDER[int(index) - 1], _spent(found), now)
            case [b"begun", found]:
                return Begun(_spent(found, begun=1, run=int(slot > 0)))
            case [_, found]:
                return Begun(_spent(found))
            case answer:
                raise TypeError(f"the script answered {answer!r}")

    async def hold(self, slots: Sequence[tuple[str, str]], until: float) -> None:
        await self._server.run(_HOLD, until, *(part for slot in slots for part in slot))

    async def pass_on(self, key: str, request: str, to: str, until: float) -> bool:
        return bool(await self._server.run(_PASS_ON, key, request, to, until))

    async def end(self, records: Sequence[UsageRecord]) -> None:
        for at in range(0, len(records), CHUNK):
            arguments = [part for record in records[at : at + CHUNK] for part in _ended(record)]
            await self._server.run(_END, *arguments)

    async def spent(self, key: str, now: float) -> Spent:
        return _spent(await self._server.run(_ASK, *_moment(key, now)))

    async def sums(self, query: UsageQuery) -> Sequence[UsageSum]:
        sums = Sums(query.by)
        async for data in self._rows(query):
            sums.add(record for record in _records.readable([data]) if matches(record, query))
        return sums.all()

    async def records(
        self, query: UsageQuery, *, after: tuple[float, str] | None = None, most: int = PAGE
    ) -> Sequence[UsageRecord]:
        found: list[UsageRecord] = []
        async for data in self._rows(query, after):
            found += [record for record in _records.readable([data]) if matches(record, query)]
            if len(found) == most:
                break
        return found

    async def purge(self, before: float, now: float) -> int:  # noqa: ARG002  # counters expire by themselves
        index, owners = "botkit:usage:at", "botkit:usage:key"
        return await drop_old(self._server, index, "botkit:usage", before, prefix=f"{index}/", owners=owners)

    def _rows(self, query: UsageQuery, after: tuple[float, str] | None = None) -> Any:
        index = f"botkit:usage:at/{query.key}" if query.key else "botkit:usage:at"
        return rows(self._server, index, "botkit:usage", since=query.since, until=query.until, after=after)


def _moment(key: str, now: float) -> tuple[Argument, ...]:
    at = windows(now)
    return key, at.minute.name, at.day.name, at.month.name, now


def _ended(record: UsageRecord) -> tuple[Argument, ...]:
    at = windows(record.ended)
    kept = (at.day.name, at.day.kept, at.month.name, at.month.kept)
    return record.id, record.key, record.at, record.counted_tokens, record.cost, _records.encode(record), *kept


def _spent(found: Any, *, begun: int = 0, run: int = 0) -> Spent:
    minute, day, tokens, usd_day, usd_month, runs = found
    return Spent(int(minute) + begun, int(day) + begun, int(tokens), float(usd_day), float(usd_month), int(runs) + run)
