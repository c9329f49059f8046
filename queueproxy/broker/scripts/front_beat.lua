-- front_beat: extend a front's lease, keep its replies, and sweep.
--
-- ARGV: run, front, lease ms, queues...
-- Returns 'epoch', 'fenced' or how many requests the broker holds for it.

local FRONT, LEASE

register('front_beat', function()
  FRONT, LEASE = ARGV[2], tonumber(ARGV[3])
  if epoch_changed() then
    return 'epoch'
  end
  local expires = redis.call('ZSCORE', key('fronts'), FRONT)
  if not expires or tonumber(expires) <= NOW then
    -- Some of what it held may have been dropped already: it must look.
    return 'fenced'
  end
  redis.call('ZADD', key('fronts'), NOW + LEASE, FRONT)
  redis.call('PEXPIRE', key('replies', FRONT), math.max(LEASE * 2, REPLIES_EXPIRE))
  sweep({ unpack(ARGV, 4) })
  return redis.call('HLEN', key('held', FRONT))
end, { 'allow-oom' })
