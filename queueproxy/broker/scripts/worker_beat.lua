-- worker_beat: extend a worker's lease, say what it does, and sweep.
--
-- Arguments: worker; lease: ms; state; memory: bytes; info: JSON, '' as before; then queues.
-- Reply: 'fenced' or 'ok'.

local A = arguments('worker', 'lease', 'state', 'memory', 'info')

register('worker_beat', A, { flags = { 'allow-oom' } }, function()
  advance_clock(A.lease)
  local expires = redis.call('ZSCORE', key('workers'), A.worker)
  if not expires or tonumber(expires) <= lease_clock() then
    -- Expired: it is reaped, not revived; the sweep below must not find half a worker.
    if expires then
      reap_worker(A.worker)
    end
    return 'fenced'
  end
  redis.call('ZADD', key('workers'), lease_clock() + tonumber(A.lease), A.worker)
  redis.call('HSET', key('worker', A.worker), 'state', A.state, 'memory', A.memory)
  if A.info ~= '' then
    redis.call('HSET', key('worker', A.worker), 'info', A.info)
  end
  sweep({ unpack(ARGV, A.rest) })
  return 'ok'
end)
