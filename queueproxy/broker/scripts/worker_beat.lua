-- worker_beat: extend a worker's lease, say what it does, and sweep.
--
-- Arguments: worker; lease: ms; state; memory: bytes; info: JSON, '' as before; release: '' for none;
-- activation: the last it was told of, '' for none; then queues.
-- Reply: 'fenced', or {the activation now, '' for none; 1 where the time of its release is over, so that it
-- is to end, else 0}.

local A = arguments('worker', 'lease', 'state', 'memory', 'info', 'release', 'activation')

-- Whether a release that is not active was kept for as long as its successor's activation said.
local function is_over(release)
  local active = activation().active
  if release == '' or not active then
    return false
  end
  keep_release(release)
  local retires = active ~= release and redis.call('HGET', key('release', release), 'retires')
  return retires and tonumber(retires) <= lease_clock()
end

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
  restore_activation(A.activation)
  sweep({ unpack(ARGV, A.rest) })
  return { value('activation') or '', is_over(A.release) and 1 or 0 }
end)
