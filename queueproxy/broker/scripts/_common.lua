-- Included first by every script, after the key names. ARGV[1] is the run_id of the server the
-- caller believes it talks to: any other means restart, failover or flush, and nothing is done.

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local NOW = now_ms()

local function epoch_changed()
  return redis.call('HGET', K.state, 'run') ~= ARGV[1]
end

local function count(field, by)
  return redis.call('HINCRBY', K.state, field, by)
end

local function integer(number)
  return string.format('%.0f', number)
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
  local until_ms = redis.call('HGET', K.state, 'paused:' .. queue)
  return until_ms and tonumber(until_ms) > NOW
end

-- Wake one idle worker. One token at most: whoever it wakes rings again while more wait.
local function ring(queue)
  if redis.call('EXISTS', K.bell(queue)) == 0 then
    redis.call('RPUSH', K.bell(queue), '1')
  end
end
