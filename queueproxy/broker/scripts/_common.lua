-- The beginning of the library, behind the functions made of records.py. What belongs to one call is
-- set anew by each: see `register`.

local RUN, ARGV -- run_id of the server the caller believes it talks to; what follows: see `arguments`
local STATE, PREFIX, NOW -- the key `state`; what each key begins with; ms of the server's clock
local CLOCK -- ms of the lease clock in this call, nil until it is asked for: see `lease_clock`

-- Fields of the state in this call: as read or changed (`known`), to be written (`changed`), and to be
-- added to without having been read (`deltas`); what was found where that came later (`found`). By
-- queue and field, what is added to statistics.
local known, changed, deltas, found, stats_deltas

-- Groups looked at in this call, by name; nil where there is none: see `group_named`.
local groups

local recounted -- whether this call has counted anew: see _recount.lua

-- Kinds as in queueproxy/keys.py.
local function key(kind, name)
  return name and PREFIX .. kind .. ':' .. name or PREFIX .. kind
end

-- Format a number that may have a fraction as an integer.
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
      found[field] = tonumber(values[i] or 0)
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
    found[field] = nil
  end
  redis.call('HDEL', STATE, ...)
end

-- Add to a queue's statistics.
local function add_stat(queue, field, by)
  local stats = stats_deltas[queue] or {}
  stats_deltas[queue] = stats
  stats[field] = (stats[field] or 0) + by
end

-- What is counted of a group: a Group with its `name`, and the text it is written as.
local function group_named(name)
  groups = groups or {}
  local group = groups[name]
  if not group then
    local text = redis.call('HGET', key('groups'), name)
    group = parse_group(text) or { at_most = 0, running = 0, waiting = 0, size = 0 }
    group.name, group.text = name, text
    groups[name] = group
  end
  return group
end

local function write_groups()
  for name, group in pairs(groups) do
    if group.running > 0 or group.waiting > 0 then
      local text = pack_group(group)
      if text ~= group.text then
        redis.call('HSET', key('groups'), name, text)
      end
    elseif group.text then
      redis.call('HDEL', key('groups'), name)
    end
  end
end

-- Changes to the state are collected and written in one command, so that a request costs few. What
-- is only statistics comes last: it must not stop the rest.
local function write_state()
  local values = {}
  for field, to in pairs(changed) do
    if found[field] ~= to then -- else nothing changed: one settled and one claimed, say
      values[#values + 1] = field
      values[#values + 1] = to
    end
  end
  if #values > 0 then
    redis.call('HSET', STATE, unpack(values))
  end
  if groups then
    write_groups()
  end
  for field, by in pairs(deltas) do
    redis.call('HINCRBY', STATE, field, by)
  end
  for queue, stats in pairs(stats_deltas) do
    for field, by in pairs(stats) do
      local name = key('stats', queue)
      if type(redis.pcall('HINCRBY', name, field, by)) == 'table' then
        redis.pcall('HSET', name, field, by) -- it was no number: it begins anew
      end
    end
  end
end

-- An entry id's parts, as numbers.
local function entry_parts(entry)
  local ms, seq = string.match(entry, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end

-- The name of one request put on a queue once: its id alone may be enqueued again, where its front was
-- given up meanwhile and comes back.
local function registration(request)
  return request.id .. ' ' .. request.entry
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

-- The lease clock. The server's own (NOW) runs on while the server is frozen and answers nobody, jumps
-- when its host's is set, and is another one after a failover. So whatever ends by itself (leases,
-- pauses, the time a request may wait) is counted on this one: it goes on by what NOW has since it was
-- last set, but never back, and never by more than a third of the shortest lease at a time. Whoever
-- beats three times in its lease is never late by a time in which it could not have been heard.
--
-- Any script may look at it; those that everybody calls again and again set it, but not where their
-- caller's heartbeats would be refused: everybody would be given up while a right is taken away that
-- heartbeats alone need. While no process calls, it stands still: there is nobody to wait for.
-- All of it is one field, for each further one makes all of the state slower to read: ms of the clock
-- when it was set, ms of NOW then, the shortest lease told (ms), and until when that one counts
-- unless it is told again (ms of the clock).
local LEASE_UNTOLD = 15000 -- ms; until the first process joins

local function lease_clock()
  if not CLOCK then
    local last, set_at, lease = string.match(value('clock') or '', '^(%d+) (%d+) (%d+) ')
    CLOCK = last and last + math.max(0, math.min(NOW - set_at, math.floor(lease / 3))) or NOW
  end
  return CLOCK
end

-- Set the clock; `lease` (ms) is that of the process that calls, nil where it has none.
local function advance_clock(lease)
  local shortest, counts_until = string.match(value('clock') or '', '(%d+) (%d+)$')
  shortest, counts_until = tonumber(shortest or LEASE_UNTOLD), tonumber(counts_until or 0)
  if lease and (tonumber(lease) <= shortest or counts_until < lease_clock()) then
    shortest, counts_until = tonumber(lease), lease_clock() + lease
  end
  set('clock', table.concat({ lease_clock(), NOW, shortest, counts_until }, ' '))
end

local function paused(queue)
  local ends = value('paused:' .. queue)
  return ends and tonumber(ends) > lease_clock()
end

-- Whether something waits that a worker could start.
local function startable(queue)
  local waiting = number('waiting:' .. queue)
  return waiting > 0 and waiting > number('parked:' .. queue) and not paused(queue)
end

-- Wake one idle worker of a queue, or whoever else waits for this bell. One token at most: of idle
-- workers, the one it wakes rings again while more wait.
local function ring(name)
  if redis.call('EXISTS', key('bell', name)) == 0 then
    redis.call('RPUSH', key('bell', name), '1')
  end
end
