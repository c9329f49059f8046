-- Housekeeping done on every heartbeat, whoever's: lost workers, lost fronts, ended pauses, bells, and
-- counting anew where it is due.

local SWEEP_FRONT = 500 -- requests of one lost front a call

-- A pause has an owner, a person or a hold, whose field in `pauses` this is.
local function pause_field(queue, owner)
  return queue .. ' ' .. owner
end

local function hold_field(queue, token)
  return pause_field(queue, 'hold:' .. token)
end

local function end_holds()
  redis.call('ZREMRANGEBYSCORE', key('holds'), '-inf', lease_clock())
end

-- ms of the lease clock at which a pause ends: a person's as it says, a hold's with the hold's lease.
local function end_of_pause(json)
  local readable, pause = pcall(cjson.decode, json)
  if not readable or type(pause) ~= 'table' then
    return 0
  end
  if pause.hold then
    return tonumber(redis.call('ZSCORE', key('holds'), pause.hold) or 0)
  end
  return tonumber(pause.ends) or 0
end

-- All pauses in force as a list of { queue, owner, ends }; those that have ended are deleted.
local function standing_pauses()
  local standing = {}
  local flat = redis.call('HGETALL', key('pauses'))
  for i = 1, #flat, 2 do
    local queue, owner = string.match(flat[i], '^(%S+) (.+)$')
    local ends = queue and end_of_pause(flat[i + 1]) or 0
    if ends > lease_clock() then
      standing[#standing + 1] = { queue = queue, owner = owner, ends = ends }
    else
      redis.call('HDEL', key('pauses'), flat[i])
    end
  end
  return standing
end

-- Let a queue be paused until the latest end of the pauses in force; whether it still is.
local function update_pause(queue)
  local latest = 0
  for _, pause in ipairs(standing_pauses()) do
    if pause.queue == queue then
      latest = math.max(latest, pause.ends)
    end
  end
  if latest > lease_clock() then
    set('paused:' .. queue, integer(latest))
    return true
  end
  clear('paused:' .. queue)
  if number('waiting:' .. queue) > 0 then
    ring(queue)
  end
  return false
end

local function end_pauses(queues)
  end_holds()
  standing_pauses()
  for _, queue in ipairs(queues) do
    if value('paused:' .. queue) and not paused(queue) then
      update_pause(queue)
    end
  end
end

local function ring_where_some_wait(queues)
  for _, queue in ipairs(queues) do
    if startable(queue) then
      ring(queue)
    end
  end
end

-- Take a worker's name off and deal with all it holds.
local function reap_worker(worker)
  local prefix = worker .. '/'
  local leases = redis.call('HKEYS', key('leases'))
  for _, slot in ipairs(leases) do
    if string.sub(slot, 1, #prefix) == prefix then
      local lease = read_lease(slot)
      if lease then
        recover(lease)
      end
    end
  end
  redis.call('ZREM', key('workers'), worker)
  redis.call('DEL', key('worker', worker), key('flow', worker), key('bell', flow_bell(worker)))
end

local function sweep(queues)
  if not sound[PREFIX] then
    pcall(recount) -- where a key is of the wrong type, the next heartbeat tries again
  end
  for _, worker in ipairs(redis.call('ZRANGEBYSCORE', key('workers'), '-inf', lease_clock(), 'LIMIT', 0, 8)) do
    reap_worker(worker)
  end
  for _, front in ipairs(redis.call('ZRANGEBYSCORE', key('fronts'), '-inf', lease_clock(), 'LIMIT', 0, 1)) do
    reap_front(front, SWEEP_FRONT)
  end
  end_pauses(queues)
  ring_where_some_wait(queues)
end
