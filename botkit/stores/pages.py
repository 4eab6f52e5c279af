"""Reads what Redis keeps by time, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from botkit.stores.server import Server

CHUNK = 500
"""Most rows of one answer."""

# index, data, newest first, since, until, most, then perhaps the time and the id of the row before the page
_PAGE = """
local index, data, newest, since, until_, most, at, id = unpack(ARGV)
local rank, range, count = 'ZRANK', 'ZRANGE', nil
if newest == '1' then rank, range = 'ZREVRANK', 'ZREVRANGE' end
local start = 0
if id then
  local place = redis.call(rank, index, id)
  if place then
    start = place + 1
  elseif newest == '1' then
    start = redis.call('ZCOUNT', index, '(' .. at, '+inf')
  else
    start = redis.call('ZCOUNT', index, '-inf', '(' .. at)
  end
elseif newest ~= '1' then
  start = redis.call('ZCOUNT', index, '-inf', '(' .. since)
end
local rows = redis.call(range, index, start, start + tonumber(most) - 1, 'WITHSCORES')
local found = {}
for i = 1, #rows, 2 do
  local score = tonumber(rows[i + 1])
  if newest == '1' or score < tonumber(until_) then
    found[#found + 1] = {rows[i], rows[i + 1], redis.call('HGET', data, rows[i])}
  end
end
return found
"""

# index, data, before, most, the prefix of indexes by owner or '', data with the owner, further hashes to drop the id of
DROP_OLD = """
local index, data, before, most, prefix, owners = unpack(ARGV, 1, 6)
local ids = redis.call('ZRANGEBYSCORE', index, '-inf', '(' .. before, 'LIMIT', 0, tonumber(most))
for _, id in ipairs(ids) do
  if prefix ~= '' then
    local owner = redis.call('HGET', owners, id)
    if owner then redis.call('ZREM', prefix .. owner, id) end
    redis.call('HDEL', owners, id)
  end
  for i = 7, #ARGV do redis.call('HDEL', ARGV[i], id) end
  redis.call('HDEL', data, id)
  redis.call('ZREM', index, id)
end
return #ids
"""


async def rows(
    server: Server,
    index: str,
    data: str,
    *,
    newest: bool = False,
    since: float = 0.0,
    until: float = float("inf"),
    after: tuple[float, str] | None = None,
) -> AsyncIterator[bytes]:
    """The data of an index's members, oldest or newest first, with scores in [since, until), from `after` on.

    `since` and `until` are for oldest first only.
    """
    cursor: tuple[Any, ...] = after or ()
    while True:
        found = await server.run(_PAGE, index, data, int(newest), since, until, CHUNK, *cursor)
        for _, _, row in found:
            if row is not None:
                yield row
        if len(found) < CHUNK:
            return
        cursor = (float(found[-1][1]), found[-1][0])


async def drop_old(
    server: Server,
    index: str,
    data: str,
    before: float,
    *,
    prefix: str = "",
    owners: str = "",
    also: tuple[str, ...] = (),
) -> int:
    """Forget everything of an index before a time, a chunk a round trip; returns how much."""
    total = 0
    while went := int(await server.run(DROP_OLD, index, data, before, CHUNK, prefix, owners, *also)):
        total += went
    return total
