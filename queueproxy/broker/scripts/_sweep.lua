-- Housekeeping done on every heartbeat, whoever's: lost workers, lost fronts, ended pauses, bells.

local SWEEP_FRONT = 500 -- requests of one lost front a call

local function lift_pause(queue)
  clear('paused:' .. queue)
  redis.call('HDEL', key('pauses'), queue)
  if number('waiting:' .. queue) > 0 then
    ring(queue)
  end
end

-- Who paused a queue, as JSON told: a person's pause has `ends`
-- (ms of the lease clock), a hold's has `hold`.
local function pause_details(queue)
  return cjson.decode(redis.call('HGET', key('pauses'), queue) or '{}')
end

local function end_holds()
  redis.call('ZREMRANGEBYSCORE', key('holds'), '-inf', clock())
end

local function end_pauses()
  end_holds()
  for _, queue in ipairs(redis.call('HKEYS', key('pauses'))) do
    if not paused(queue) then
      lift_pause(queue)
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

local function sweep(queues)
  for _, worker in ipairs(redis.call('ZRANGEBYSCORE', key('workers'), '-inf', clock(), 'LIMIT', 0, 8)) do
    reap_worker(worker)
  end
  for _, front in ipairs(redis.call('ZRANGEBYSCORE', key('fronts'), '-inf', clock(), 'LIMIT', 0, 1)) do
    reap_front(front, SWEEP_FRONT)
  end
  end_pauses()
  ring_where_some_wait(queues)
end
