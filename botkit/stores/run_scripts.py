"""The Lua function of the Redis store that saves a run, for all scripts that do."""

from __future__ import annotations

RUNS = """
local function save_run(id, key, created, ended, data)
  if redis.call('HEXISTS', 'botkit:run:ended', id) == 1 then return end
  redis.call('HSET', 'botkit:runs', id, data)
  redis.call('HSET', 'botkit:run:key', id, key)
  redis.call('ZADD', 'botkit:runs:at', created, id)
  redis.call('ZADD', 'botkit:runs:at/' .. key, created, id)
  if ended == '1' then redis.call('HSET', 'botkit:run:ended', id, 1) end
end
"""
