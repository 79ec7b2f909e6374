-- One step of a counter, whole or not at all.
--
-- KEYS  1 counter  hash: row, the store's count; seen_ms, when it was told so
--       2 grants   hash: a batch -> what it was granted, followed by ' settled' once the store has it
--       3 order    list: the batches in grants, oldest first
--       4 open     sorted set: batches granted and not settled -> when they were asked for last, in ms
-- ARGV  1 step, 2 ms that a batch is believed to be on its way, 3.. of the step
--
-- used = row + what the open batches were granted. Numbers stay below 2^53, where Lua's are exact.

local COUNTER_S = 100 * 86400
local GRANTS_S = 2 * 86400

local counter, grants, order, open = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local step, in_flight_ms = ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function text(n)
  return string.format('%.0f', n)
end

-- nil when the batch is not remembered.
local function granted_to(batch)
  local grant = redis.call('HGET', grants, batch)
  if not grant then return nil end
  return tonumber(string.match(grant, '^%d+')), string.find(grant, 'settled', 1, true) ~= nil
end

-- A batch that nobody asks for any more is no longer on its way.
local function outstanding()
  local sum, since = 0, '(' .. text(now_ms - in_flight_ms)
  for _, batch in ipairs(redis.call('ZRANGEBYSCORE', open, since, '+inf')) do
    sum = sum + (granted_to(batch) or 0)
  end
  return sum
end

local function set_row(row)
  redis.call('HSET', counter, 'row', text(row), 'seen_ms', text(now_ms))
  redis.call('EXPIRE', counter, COUNTER_S)
end

local function keep_open(batch)
  redis.call('ZADD', open, text(now_ms), batch)
  redis.call('EXPIRE', open, GRANTS_S)
end

local row = tonumber(redis.call('HGET', counter, 'row') or nil)

if step == 'read' then
  if not row then return false end
  return { row, row + outstanding() }
end

redis.call('ZREMRANGEBYSCORE', open, '-inf', text(now_ms - in_flight_ms))

if step == 'reserve' then
  if not row then return false end
  local batch, n, limit, remembered = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
  local granted, settled = granted_to(batch)
  if granted then
    if not settled then keep_open(batch) end
    return { granted, row + outstanding() }
  end
  local used = row + outstanding()
  granted = n
  if limit >= 0 then granted = math.min(n, math.max(0, limit - used)) end
  redis.call('HSET', grants, batch, text(granted))
  redis.call('RPUSH', order, batch)
  while redis.call('LLEN', order) > remembered do
    local oldest = redis.call('LPOP', order)
    redis.call('HDEL', grants, oldest)
    redis.call('ZREM', open, oldest)
  end
  redis.call('EXPIRE', grants, GRANTS_S)
  redis.call('EXPIRE', order, GRANTS_S)
  keep_open(batch)
  return { granted, used + granted }
end

if step == 'seed' then
  if not row then
    row = tonumber(ARGV[3])
    set_row(row)
  end
  return { 0, row + outstanding() }
end

if step == 'settle' then
  local batch, now_used = ARGV[3], tonumber(ARGV[4])
  local granted, settled = granted_to(batch)
  local was_open = redis.call('ZREM', open, batch) == 1
  local own = was_open and granted or 0
  if granted and not settled then
    redis.call('HSET', grants, batch, text(granted) .. ' settled')
  end
  local others = outstanding()
  if not row then
    set_row(now_used)
    return { 0, now_used + others }
  end
  -- A count that is no higher than a recent one was overtaken on its way here.
  local seen_ms = tonumber(redis.call('HGET', counter, 'seen_ms'))
  if now_used <= row and now_ms - seen_ms < in_flight_ms then
    return { 0, row + others }
  end
  local differs = now_used < row + own or now_used > row + own + others
  set_row(now_used)
  return { differs and 1 or 0, now_used + others }
end

return redis.error_reply('ERR no such step: ' .. step)
