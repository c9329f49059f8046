-- front_beat: extend a front's lease, keep its replies, and sweep.
--
-- Arguments: front; lease: ms; then queues.
-- Reply: 'fenced', or how many requests the broker holds for it.

local A = arguments('front', 'lease')

register('front_beat', A, { flags = { 'allow-oom' } }, function()
  local lease = tonumber(A.lease)
  advance_clock(lease)
  if not front_lives(A.front) then
    -- Some of what it held may have been dropped already: it must look.
    return 'fenced'
  end
  redis.call('ZADD', key('fronts'), clock() + lease, A.front)
  redis.call('PEXPIRE', key('replies', A.front), math.max(lease * 2, REPLIES_EXPIRE))
  sweep({ unpack(ARGV, A.rest) })
  return redis.call('HLEN', key('held', A.front))
end)
