"""API keys on a Redis or Valkey server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from botkit.keys import ApiKey
from botkit.roles import PAGE
from botkit.stores.codec import Codec
from botkit.stores.server import Argument, Server

_keys = Codec(ApiKey)

_GET = "return {redis.call('HGET', 'botkit:keys', ARGV[1]), redis.call('HGET', 'botkit:key:used', ARGV[1])}"

# id, revision, owner, data
_PUT = """
local id, revision, owner, data = unpack(ARGV)
if tonumber(redis.call('HGET', 'botkit:key:revision', id) or 0) + 1 ~= tonumber(revision) then return 0 end
redis.call('HSET', 'botkit:keys', id, data)
redis.call('HSET', 'botkit:key:revision', id, revision)
redis.call('HSET', 'botkit:key:owner', id, owner)
redis.call('ZADD', 'botkit:key:ids', 0, id)
return 1
"""

_DELETE = """
for _, name in ipairs({'revision', 'owner', 'used'}) do redis.call('HDEL', 'botkit:key:' .. name, ARGV[1]) end
redis.call('ZREM', 'botkit:key:ids', ARGV[1])
return redis.call('HDEL', 'botkit:keys', ARGV[1])
"""

# owner, after, most
_LIST = """
local owner, after, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
local from, found = after == '' and '-' or '(' .. after, {}
while #found < most do
  local ids = redis.call('ZRANGEBYLEX', 'botkit:key:ids', from, '+', 'LIMIT', 0, most)
  for _, id in ipairs(ids) do
    if #found < most and (owner == '' or redis.call('HGET', 'botkit:key:owner', id) == owner) then
      found[#found + 1] = {redis.call('HGET', 'botkit:keys', id), redis.call('HGET', 'botkit:key:used', id)}
    end
  end
  if #ids < most then break end
  from = '(' .. ids[#ids]
end
return found
"""

# id, at, ...
_TOUCH = """
for i = 1, #ARGV, 2 do
  local known = redis.call('HEXISTS', 'botkit:keys', ARGV[i]) == 1
  if known and tonumber(ARGV[i + 1]) > tonumber(redis.call('HGET', 'botkit:key:used', ARGV[i]) or 0) then
    redis.call('HSET', 'botkit:key:used', ARGV[i], ARGV[i + 1])
  end
end
"""

# nonce, now, until
_USE_NONCE = """
local nonce, now, until_ = unpack(ARGV)
redis.call('ZREMRANGEBYSCORE', 'botkit:nonces', '-inf', now)
return redis.call('ZADD', 'botkit:nonces', 'NX', until_, nonce)
"""


class RedisKeys:
    """See `roles.Keys`."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def get(self, id: str) -> ApiKey | None:
        return _key(await self._server.run(_GET, id))

    async def put(self, key: ApiKey) -> bool:
        data = _keys.encode(replace(key, last_used=0.0))
        return bool(await self._server.run(_PUT, key.id, key.revision, key.owner, data))

    async def delete(self, id: str) -> bool:
        return bool(await self._server.run(_DELETE, id))

    async def list(self, *, owner: str = "", after: str = "", most: int = PAGE) -> Sequence[ApiKey]:
        rows = await self._server.run(_LIST, owner, after, most)
        return [key for row in rows if (key := _key(row)) is not None]

    async def touch(self, used: Mapping[str, float]) -> None:
        arguments: list[Argument] = [part for pair in used.items() for part in pair]
        await self._server.run(_TOUCH, *arguments)

    async def use_nonce(self, key: str, nonce: str, now: float, until: float) -> bool:
        member = f"{quote(key, safe='')}/{quote(nonce, safe='')}"
        return bool(await self._server.run(_USE_NONCE, member, now, until))

    async def purge(self, now: float) -> int:
        return int(await self._server.command("ZREMRANGEBYSCORE", "botkit:nonces", "-inf", now))


def _key(row: Any) -> ApiKey | None:
    if row is None or row[0] is None:
        return None
    return replace(_keys.decode(row[0]), last_used=float(row[1] or 0))
