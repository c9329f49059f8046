-- Housekeeping done on every heartbeat, whoever's: lost workers, lost fronts, ended pauses, bells.

local SWEEP_FRONT = 500 -- requests of one lost front a call

local function lift_pause(queue)
  clear('paused:' .. queue)
  redis.call('HDEL', key('pauses'), queue)
  if number('waiting:' .. queue) > 0 then
    ring(queue)
  end
end

local function end_pauses()
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
  for _, worker in ipairs(redis.call('ZRANGEBYSCORE', key('workers'), '-inf', NOW, 'LIMIT', 0, 8)) do
    reap_worker(worker)
  end
  for _, front in ipairs(redis.call('ZRANGEBYSCORE', key('fronts'), '-inf', NOW, 'LIMIT', 0, 1)) do
    reap_front(front, SWEEP_FRONT)
  end
  end_pauses()
  ring_where_some_wait(queues)
end
