-- worker_beat: extend a worker's lease, say what it does, and sweep.
--
-- ARGV: run, worker, lease ms, state, memory (bytes), info (JSON; '' as before), queues...
-- Returns 'epoch', 'fenced' or 'ok'.

local WORKER, LEASE

register('worker_beat', function()
  WORKER, LEASE = ARGV[2], tonumber(ARGV[3])
  if epoch_changed() then
    return 'epoch'
  end
  local expires = redis.call('ZSCORE', key('workers'), WORKER)
  if not expires or tonumber(expires) <= NOW then
    -- Late is lost: the sweep below must not find half a worker.
    if expires then
      reap_worker(WORKER)
    end
    return 'fenced'
  end
  redis.call('ZADD', key('workers'), NOW + LEASE, WORKER)
  redis.call('HSET', key('worker', WORKER), 'state', ARGV[4], 'memory', ARGV[5])
  if ARGV[6] ~= '' then
    redis.call('HSET', key('worker', WORKER), 'info', ARGV[6])
  end
  sweep({ unpack(ARGV, 7) })
  return 'ok'
end, { 'allow-oom' })
