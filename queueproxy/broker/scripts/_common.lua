-- The beginning of the library. What belongs to one call is set anew by each: see `register`.

local KEYS, ARGV -- as a script has them; ARGV[1] is the run_id of the server the caller believes
                 -- it talks to: any other means restart, failover or flush, and nothing is done
local STATE, PREFIX, NOW
local known, changed, deltas, stats_deltas

-- Kinds as in queueproxy/keys.py.
local function key(kind, name)
  return name and PREFIX .. kind .. ':' .. name or PREFIX .. kind
end

-- For what may have a fraction; a whole number becomes its digits by itself.
local function integer(number)
  return string.format('%.0f', number)
end

-- Read fields of the state that will be needed, in one command.
local function prefetch(fields)
  local values = redis.call('HMGET', STATE, unpack(fields))
  for i = 1, #fields do
    local field = fields[i]
    -- What was counted before it was read is written with the rest.
    local by = deltas[field]
    if by then
      deltas[field] = nil
      values[i] = tonumber(values[i] or 0) + by
      changed[field] = values[i]
    end
    known[field] = values[i]
  end
end

local function value(field)
  if known[field] == nil then
    known[field] = redis.call('HGET', STATE, field)
  end
  return known[field]
end

local function number(field)
  return tonumber(value(field) or 0)
end

local function set(field, to)
  known[field] = to
  changed[field] = to
end

local function add(field, by)
  if known[field] ~= nil then
    set(field, number(field) + by)
  else
    deltas[field] = (deltas[field] or 0) + by
  end
end

local function clear(...)
  for _, field in ipairs({ ... }) do
    known[field] = false
    changed[field] = nil
    deltas[field] = nil
  end
  redis.call('HDEL', STATE, ...)
end

-- Count something for a queue's statistics.
local function add_stat(queue, field, by)
  local stats = stats_deltas[queue] or {}
  stats_deltas[queue] = stats
  stats[field] = (stats[field] or 0) + by
end

-- Changes to the state are collected and written in one command, so that a request costs few.
local function write_state()
  local values = {}
  for field, to in pairs(changed) do
    values[#values + 1] = field
    values[#values + 1] = to
  end
  if #values > 0 then
    redis.call('HSET', STATE, unpack(values))
  end
  for field, by in pairs(deltas) do
    redis.call('HINCRBY', STATE, field, by)
  end
  for queue, stats in pairs(stats_deltas) do
    for field, by in pairs(stats) do
      redis.call('HINCRBY', key('stats', queue), field, by)
    end
  end
end

-- Make `run` callable as the function of that name.
--
-- Without flags a function is refused while the server is out of memory. Those with 'allow-oom'
-- give memory back, or keep what was admitted going.
local function register(name, run, flags)
  redis.register_function({
    function_name = LIBRARY .. '_' .. name,
    flags = flags,
    callback = function(keys, args)
      KEYS, ARGV = keys, args
      STATE = keys[1]
      PREFIX = string.sub(STATE, 1, -6) -- without 'state'
      local clock = redis.call('TIME')
      NOW = clock[1] * 1000 + math.floor(clock[2] / 1000)
      known, changed, deltas, stats_deltas = {}, {}, {}, {}
      local result = run()
      write_state()
      return result
    end,
  })
end

local function epoch_changed()
  return value('run') ~= ARGV[1]
end

-- An entry id's parts, as numbers.
local function entry_parts(entry)
  local ms, seq = string.match(entry, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end

-- Members of the returned and parked sets: padded, so that their order is the order of arrival.
local function padded(entry)
  local ms, seq = string.match(entry, '^(%d+)-(%d+)$')
  return ms .. '-' .. string.rep('0', 20 - #seq) .. seq
end

local function unpadded(member)
  return (string.gsub(member, '%-0+(%d)', '-%1'))
end

local function not_after(entry, limit)
  local ms, seq = entry_parts(entry)
  local limit_ms, limit_seq = entry_parts(limit)
  return ms < limit_ms or (ms == limit_ms and seq <= limit_seq)
end

-- A flat list of fields and values as a table.
local function table_of(flat)
  local result = {}
  for i = 1, #flat, 2 do
    result[flat[i]] = flat[i + 1]
  end
  return result
end

local function paused(queue)
  return number('paused:' .. queue) > NOW
end

-- Whether something waits that a worker could start.
local function startable(queue)
  local waiting = number('waiting:' .. queue)
  return waiting > 0 and waiting > number('parked:' .. queue) and not paused(queue)
end

-- Wake one idle worker. One token at most: whoever it wakes rings again while more wait.
local function ring(queue)
  if redis.call('EXISTS', key('bell', queue)) == 0 then
    redis.call('RPUSH', key('bell', queue), '1')
  end
end
