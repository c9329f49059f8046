-- Housekeeping done on every heartbeat, whoever's: lost workers, lost fronts, ended pauses, bells.

local SWEEP_FRONT = 500 -- requests of one lost front a call

local function end_pauses()
  local ends = redis.call('HGETALL', K.pauses)
  for i = 1, #ends, 2 do
    local queue = ends[i]
    if not paused(queue) then
      redis.call('HDEL', K.state, 'paused:' .. queue)
      redis.call('HDEL', K.pauses, queue)
    end
  end
end

local function ring_where_some_wait(queues)
  for _, queue in ipairs(queues) do
    local state = redis.call('HMGET', K.state, 'waiting:' .. queue, 'parked:' .. queue)
    if tonumber(state[1] or 0) > tonumber(state[2] or 0) and not paused(queue) then
      ring(queue)
    end
  end
end

local function sweep(queues)
  for _, worker in ipairs(redis.call('ZRANGEBYSCORE', K.workers, '-inf', NOW, 'LIMIT', 0, 8)) do
    reap_worker(worker)
  end
  for _, front in ipairs(redis.call('ZRANGEBYSCORE', K.fronts, '-inf', NOW, 'LIMIT', 0, 1)) do
    reap_front(front, SWEEP_FRONT)
  end
  end_pauses()
  ring_where_some_wait(queues)
end
