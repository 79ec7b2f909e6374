-- One step of the limits of an organisation, whole or not at all.
--
-- KEYS  one a counter, a hash: row, what is counted for good; held, the sum of what is reserved; due, no later than the first
--       reservation ends, in ms; a call's id (16 bytes) -> what it has reserved, and when that ends
-- ARGV  1 step, 2.. of the step
--
-- used = row + held. Numbers stay below 2^53, where Lua's are exact. Times are the callers': a clock that tests move.

local step = ARGV[1]

local function text(n)
  return string.format('%.0f', n)
end

local function number(counter, field)
  return tonumber(redis.call('HGET', counter, field) or nil)
end

-- What the call has reserved there; nil when it has nothing.
local function held_by(counter, call)
  local held = redis.call('HGET', counter, call)
  return held and tonumber(string.match(held, '^%d+'))
end

-- What the call had reserved there, which it has no longer.
local function release(counter, call)
  local n = held_by(counter, call)
  if not n then return nil end
  redis.call('HDEL', counter, call)
  if n > 0 then redis.call('HINCRBY', counter, 'held', text(-n)) end
  return n
end

-- Ends what is past its time. All are looked at only when one may be.
local function lapse(counter, now_ms)
  local due = number(counter, 'due')
  if not due or due > now_ms then return end
  local fields, first = redis.call('HGETALL', counter), nil
  for i = 1, #fields, 2 do
    if #fields[i] == 16 then
      local ends_ms = tonumber(string.match(fields[i + 1], '%d+$'))
      if ends_ms <= now_ms then
        release(counter, fields[i])
      elseif not first or ends_ms < first then
        first = ends_ms
      end
    end
  end
  if first then
    redis.call('HSET', counter, 'due', text(first))
  else
    redis.call('HDEL', counter, 'due')
  end
end

local function reserve(ask, call, ends_ms)
  local counter = ask.counter
  if ask.kind == 'requests' then
    redis.call('HINCRBY', counter, 'row', text(ask.n))
  else
    redis.call('HSET', counter, call, text(ask.n) .. ' ' .. ends_ms)
    if ask.n ~= ask.own then redis.call('HINCRBY', counter, 'held', text(ask.n - ask.own)) end
    local due = number(counter, 'due')
    if not due or tonumber(ends_ms) < due then redis.call('HSET', counter, 'due', ends_ms) end
  end
  redis.call('PEXPIRE', counter, ask.keep_ms)
end

if step == 'reserve' then
  local call, now_ms, ends_ms = ARGV[2], tonumber(ARGV[3]), ARGV[4]
  local asks, unknown = {}, { 1 }
  for i, counter in ipairs(KEYS) do
    local at = 4 * i
    asks[i] = { counter = counter, kind = ARGV[at + 1], limit = tonumber(ARGV[at + 2]), n = tonumber(ARGV[at + 3]), keep_ms = ARGV[at + 4] }
    lapse(counter, now_ms)
  end
  for i, ask in ipairs(asks) do
    if ask.kind == 'tokens' then ask.n = math.min(ask.n, ask.limit) end
    -- What the call has already reserved is replaced.
    ask.own = held_by(ask.counter, call) or 0
    local row = number(ask.counter, 'row')
    local used = (row or 0) + (number(ask.counter, 'held') or 0) - ask.own
    if ask.kind == 'budget' and not row then
      unknown[#unknown + 1] = i
    elseif used >= ask.limit or ask.n > ask.limit - used then
      return { 2, i, used }
    end
  end
  if #unknown > 1 then return unknown end
  for _, ask in ipairs(asks) do
    reserve(ask, call, ends_ms)
  end
  return { 0 }
end

if step == 'seed' then
  redis.call('HSETNX', KEYS[1], 'row', ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return { 0 }
end

if step == 'release' then
  for _, counter in ipairs(KEYS) do
    release(counter, ARGV[2])
  end
  return { 0 }
end

if step == 'settle' then
  local counter, kind, told, keep_ms = KEYS[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
  for at = 5, #ARGV, 2 do
    local held = release(counter, ARGV[at])
    if held and kind ~= 'budget' then redis.call('HINCRBY', counter, 'row', ARGV[at + 1]) end
  end
  if kind == 'budget' then
    local row = number(counter, 'row')
    if not row or row < told then redis.call('HSET', counter, 'row', text(told)) end
    redis.call('PEXPIRE', counter, keep_ms)
  end
  return { 0 }
end

return redis.error_reply('ERR no such step: ' .. step)
