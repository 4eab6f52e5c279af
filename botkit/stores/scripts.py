"""The Lua scripts of the Redis store: each is one step that happens wholly or not at all, in one round trip.

Ids are only ever members, fields or the end of a key behind a fixed prefix, so none can name another's key.
"""

from __future__ import annotations

from botkit.stores.run_scripts import RUNS
from botkit.stores.session_scripts import SESSIONS

_LIVES = """
local function alive(owner, now)
  local till = redis.call('ZSCORE', 'botkit:owners', owner)
  return till and tonumber(till) > tonumber(now)
end
local function lives(owner, till)
  redis.call('ZADD', 'botkit:owners', 'GT', string.format('%.17g', till), owner)
end
"""

# key, now, owner, grace, seen_for, entry, bot, accepted, data, conversation, then the run's id or '', its key, created,
# ended and data, then key, burst, per second of each limit; without data there is no entry
ADMIT = (
    _LIVES
    + SESSIONS
    + RUNS
    + """
local key, now, owner, grace, seen_for, id, bot, accepted, data, conversation, run = unpack(ARGV, 1, 11)
if redis.call('ZADD', 'botkit:seen', 'NX', now, key) == 0 then
  -- Ours already: the connection broke before the answer came and the client asked again.
  if redis.call('HGET', 'botkit:entry:owner', id) == owner then return {'admitted', bound(conversation)} end
  return {'repeat'}
end
redis.call('EXPIRE', 'botkit:seen', seen_for)
local old = redis.call('ZRANGEBYSCORE', 'botkit:seen', '-inf', '(' .. string.format('%.17g', now - seen_for),
  'LIMIT', 0, 100)
if #old > 0 then redis.call('ZREM', 'botkit:seen', unpack(old)) end
if run ~= '' then save_run(unpack(ARGV, 11, 15)) end
local left = {}
for i = 16, #ARGV, 3 do
  local burst, rate = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local tokens = redis.call('HGET', 'botkit:buckets', ARGV[i])
  if tokens then
    local passed = math.max(0, now - redis.call('ZSCORE', 'botkit:buckets:at', ARGV[i]))
    tokens = math.min(burst, tokens + passed * rate)
  else
    tokens = burst
  end
  if tokens < 1 - 1e-9 then
    return {'refused', tostring((i - 16) / 3), string.format('%.17g', (1 - tokens) / math.max(rate, 1e-12))}
  end
  left[i] = string.format('%.17g', math.max(tokens - 1, 0))
end
for i, tokens in pairs(left) do
  redis.call('HSET', 'botkit:buckets', ARGV[i], tokens)
  redis.call('ZADD', 'botkit:buckets:at', now, ARGV[i])
end
if data ~= '' then
  redis.call('HSET', 'botkit:entries', id, data)
  redis.call('HSET', 'botkit:entry:owner', id, owner)
  redis.call('HSET', 'botkit:entry:bot', id, bot)
  redis.call('ZADD', 'botkit:journal/' .. bot, accepted, id)
  lives(owner, now + grace)
end
return {'admitted', bound(conversation)}
"""
)

_DROP = """
local function drop(id)
  local bot = redis.call('HGET', 'botkit:entry:bot', id)
  if not bot then return false end
  local journal = 'botkit:journal/' .. bot
  local accepted = redis.call('ZSCORE', journal, id)
  redis.call('ZREM', journal, id)
  redis.call('HDEL', 'botkit:entry:owner', id)
  redis.call('HDEL', 'botkit:entry:bot', id)
  redis.call('HDEL', 'botkit:entries', id)
  return accepted
end
"""

# entry, owner, data, then perhaps a session
UPDATE = (
    SESSIONS
    + """
local id, owner, data = unpack(ARGV, 1, 3)
if redis.call('HGET', 'botkit:entry:owner', id) ~= owner then return 0 end
redis.call('HSET', 'botkit:entries', id, data)
if ARGV[4] then save(4) end
return 1
"""
)

# entry, owner
SETTLE = _DROP + "if redis.call('HGET', 'botkit:entry:owner', ARGV[1]) == ARGV[2] then drop(ARGV[1]) end"

# entry, owner, why
BURY = (
    _DROP
    + """
local id, owner, why = unpack(ARGV)
if redis.call('HGET', 'botkit:entry:owner', id) ~= owner then return end
local data = redis.call('HGET', 'botkit:entries', id)
redis.call('HSET', 'botkit:dead:data', id, data)
redis.call('HSET', 'botkit:dead:why', id, why)
redis.call('ZADD', 'botkit:dead', drop(id), id)
"""
)

DEAD = """
local rows = {}
for _, id in ipairs(redis.call('ZRANGE', 'botkit:dead', 0, -1)) do
  rows[#rows + 1] = {redis.call('HGET', 'botkit:dead:data', id), redis.call('HGET', 'botkit:dead:why', id)}
end
return rows
"""

# bot, owner, now, grace, then the owners that are gone; answers the ids taken and those that were ours before
TAKE_OVER = (
    _LIVES
    + """
local bot, owner, now, grace = unpack(ARGV, 1, 4)
local gone, any = {}, false
for i = 5, #ARGV do
  gone[ARGV[i]], any = true, true
  redis.call('ZREM', 'botkit:owners', ARGV[i])
end
if any then
  local leases = redis.call('HGETALL', 'botkit:lease:owner')
  for i = 1, #leases, 2 do
    if gone[leases[i + 1]] then
      redis.call('HDEL', 'botkit:lease:owner', leases[i])
      redis.call('HDEL', 'botkit:lease:token', leases[i])
      redis.call('ZREM', 'botkit:wanted', leases[i])
    end
  end
end
local held, took = {}, false
for _, id in ipairs(redis.call('ZRANGE', 'botkit:journal/' .. bot, 0, -1)) do
  local holder = redis.call('HGET', 'botkit:entry:owner', id)
  if holder == owner then
    held[#held + 1] = {id, 1}
  elseif not (holder and alive(holder, now)) then
    redis.call('HSET', 'botkit:entry:owner', id, owner)
    held[#held + 1], took = {id, 0}, true
  end
end
if took then lives(owner, now + grace) end
return held
"""
)

OWNERS = """
local found, names = {}, {}
for _, key in ipairs({'botkit:entry:owner', 'botkit:lease:owner'}) do
  for _, name in ipairs(redis.call('HVALS', key)) do
    if not found[name] then found[name], names[#names + 1] = true, name end
  end
end
return names
"""

# owner, now, ttl, then key and token of each lease it believes to have
BEAT = """
local owner, now, ttl = unpack(ARGV, 1, 3)
redis.call('ZADD', 'botkit:owners', string.format('%.17g', now + ttl), owner)
redis.call('ZREMRANGEBYSCORE', 'botkit:wanted', '-inf', now)
local keys = {}
for _, key in ipairs(redis.call('ZRANGE', 'botkit:wanted', 0, -1)) do
  if redis.call('HGET', 'botkit:lease:owner', key) == owner then keys[#keys + 1] = key end
end
local lost = {}
for i = 4, #ARGV, 2 do
  local key = ARGV[i]
  local holder, token = redis.call('HGET', 'botkit:lease:owner', key), redis.call('HGET', 'botkit:lease:token', key)
  if holder ~= owner or token ~= ARGV[i + 1] then lost[#lost + 1] = key end
end
return {keys, lost}
"""

# key, owner, now, ttl
LEASE = (
    _LIVES
    + """
local key, owner, now, ttl = unpack(ARGV)
local holder = redis.call('HGET', 'botkit:lease:owner', key)
if holder and holder ~= owner and alive(holder, now) then
  redis.call('ZADD', 'botkit:wanted', 'GT', string.format('%.17g', now + ttl), key)
  return false
end
local token
if holder == owner then
  token = redis.call('HGET', 'botkit:lease:token', key)
else
  -- At least the time in milliseconds: a server that lost its data must not hand out an old token again.
  local last = tonumber(redis.call('GET', 'botkit:token') or 0)
  token = string.format('%.0f', math.max(last + 1, math.floor(now * 1000)))
  redis.call('SET', 'botkit:token', token)
  redis.call('HSET', 'botkit:lease:owner', key, owner)
  redis.call('HSET', 'botkit:lease:token', key, token)
  redis.call('ZREM', 'botkit:wanted', key)
end
lives(owner, now + ttl)
return token
"""
)

# key, owner, token
RELEASE = """
local key, owner, token = unpack(ARGV)
local holder, held = redis.call('HGET', 'botkit:lease:owner', key), redis.call('HGET', 'botkit:lease:token', key)
if holder == owner and held == token then
  redis.call('HDEL', 'botkit:lease:owner', key)
  redis.call('HDEL', 'botkit:lease:token', key)
  redis.call('ZREM', 'botkit:wanted', key)
end
"""

# key, what it shall be, then perhaps what it must be; otherwise there must be none
CHANGE_MARK = """
if redis.call('HGET', 'botkit:marks', ARGV[1]) ~= (ARGV[3] or false) then return 0 end
redis.call('HSET', 'botkit:marks', ARGV[1], ARGV[2])
return 1
"""

# seen, sessions, most; answers how many went, and whether there are more sessions to forget
PURGE = """
local seen, unused, most = ARGV[1], '(' .. ARGV[2], tonumber(ARGV[3])
local before = '(' .. seen
local rows = redis.call('ZREMRANGEBYSCORE', 'botkit:seen', '-inf', before)
local function forget(index, fields)
  local ids = redis.call('ZRANGEBYSCORE', index, '-inf', before)
  for _, id in ipairs(ids) do
    for _, key in ipairs(fields) do redis.call('HDEL', key, id) end
    redis.call('ZREM', index, id)
  end
  rows = rows + #ids
end
forget('botkit:buckets:at', {'botkit:buckets'})
forget('botkit:dead', {'botkit:dead:data', 'botkit:dead:why'})
local members = redis.call('ZRANGEBYSCORE', 'botkit:sessions', '-inf', unused, 'LIMIT', 0, most)
for _, member in ipairs(members) do
  -- The member says it all, because the session itself may have expired.
  local bot, owner, id = string.match(member, '^([^/]*)/([^/]*)/(.*)$')
  local key = 'botkit:session:' .. id
  local conversation = redis.call('HGET', key, 'conversation')
  if conversation and conversation ~= '' then redis.call('DEL', 'botkit:conversation:' .. conversation) end
  rows = rows + redis.call('DEL', key)
  redis.call('ZREM', 'botkit:sessions', member)
  redis.call('ZREM', 'botkit:sessions/' .. bot, id)
  redis.call('ZREM', 'botkit:sessions/' .. bot .. '/' .. owner, id)
end
redis.call('ZREMRANGEBYSCORE', 'botkit:owners', '-inf', before)
local leases = redis.call('HGETALL', 'botkit:lease:owner')
for i = 1, #leases, 2 do
  if not redis.call('ZSCORE', 'botkit:owners', leases[i + 1]) then
    redis.call('HDEL', 'botkit:lease:owner', leases[i])
    redis.call('HDEL', 'botkit:lease:token', leases[i])
    redis.call('ZREM', 'botkit:wanted', leases[i])
  end
end
return {rows, #members == most and 1 or 0}
"""
