"""The Lua scripts of the Redis store that find and save sessions, and the Lua functions that others do it with."""

from __future__ import annotations

SESSIONS = """
local function find(id)
  local row = redis.call('HMGET', 'botkit:session:' .. id, 'data', 'conversation')
  if row[1] then return row end
  return false
end
local function bound(conversation)
  local id = redis.call('GET', 'botkit:conversation:' .. conversation)
  return id and find(id)
end
local function save(at)
  local id, conversation, used, bot, owner, data, ttl = unpack(ARGV, at, at + 6)
  local key = 'botkit:session:' .. id
  local before = redis.call('HGET', key, 'conversation')
  if before and before ~= '' and before ~= conversation then
    redis.call('DEL', 'botkit:conversation:' .. before)
  end
  redis.call('HSET', key, 'data', data, 'conversation', conversation, 'bot', bot, 'owner', owner)
  local kept = {key, 'botkit:sessions', 'botkit:sessions/' .. bot, 'botkit:sessions/' .. bot .. '/' .. owner}
  if conversation ~= '' then
    local place = 'botkit:conversation:' .. conversation
    local other = redis.call('GET', place)
    if other and other ~= id and redis.call('EXISTS', 'botkit:session:' .. other) == 1 then
      redis.call('HSET', 'botkit:session:' .. other, 'conversation', '')
    end
    redis.call('SET', place, id)
    kept[#kept + 1] = place
  end
  redis.call('ZADD', kept[2], used, bot .. '/' .. owner .. '/' .. id)
  redis.call('ZADD', kept[3], used, id)
  redis.call('ZADD', kept[4], used, id)
  if tonumber(ttl) > 0 then
    for _, name in ipairs(kept) do redis.call('EXPIRE', name, ttl) end
  end
end
"""

SESSION = SESSIONS + "return bound(ARGV[1])"
FIND_SESSION = SESSIONS + "return find(ARGV[1])"
SAVE_SESSION = SESSIONS + "save(1)"
NEW_SESSION = SESSIONS + "if ARGV[2] ~= '' and bound(ARGV[2]) then return 0 end save(1) return 1"

# index, since, most, then perhaps the use and the id of the session before the page
LIST_SESSIONS = (
    SESSIONS
    + """
local index, since, most, used, last = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4] or '+inf', ARGV[5]
local rows, at = {}, 0
while #rows < most do
  local ids = redis.call('ZREVRANGEBYSCORE', index, used, since, 'WITHSCORES', 'LIMIT', at, most)
  if #ids == 0 then break end
  at = at + #ids / 2
  for i = 1, #ids, 2 do
    local shown = last and tonumber(ids[i + 1]) == tonumber(used) and ids[i] >= last
    local row = not shown and find(ids[i])
    if row and #rows < most then rows[#rows + 1] = row end
  end
end
return rows
"""
)
