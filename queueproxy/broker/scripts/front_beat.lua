-- front_beat: extend a front's lease, keep its replies, and sweep.
--
-- Arguments: front; lease: ms; then queues.
-- Reply: 'fenced', or the digest of the table of routes that workers have published, '' where none is.

local A = arguments('front', 'lease')

register('front_beat', A, { flags = { 'allow-oom' } }, function()
  local lease = tonumber(A.lease)
  advance_clock(lease)
  if not front_lives(A.front) then
    -- Some of what it held may have been dropped already: it must look.
    return 'fenced'
  end
  redis.call('ZADD', key('fronts'), lease_clock() + lease, A.front)
  redis.call('PEXPIRE', key('replies', A.front), REPLIES_EXPIRE)
  sweep({ unpack(ARGV, A.rest) })
  return redis.call('HGET', key('routes'), 'digest') or ''
end)
