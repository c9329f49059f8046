-- front_beat: extend a front's lease, keep its replies and the bodies it takes in, and sweep.
--
-- Arguments: front; lease: ms; then queues.
-- Reply: 'fenced', or the digest of the table of routes that workers have published, '' where none is.

local A = arguments('front', 'lease')

-- A body may come slowly: what is staged of it lives as long as its front.
local function keep_staged(expiry)
  for _, id in ipairs(redis.call('HKEYS', key('staged', A.front))) do
    redis.call('PEXPIRE', key('body', id), expiry)
  end
end

register('front_beat', A, { flags = { 'allow-oom' } }, function()
  local lease = tonumber(A.lease)
  advance_clock(lease)
  if not front_lives(A.front) then
    -- Some of what it held may have been dropped already: it must look.
    return 'fenced'
  end
  redis.call('ZADD', key('fronts'), lease_clock() + lease, A.front)
  redis.call('PEXPIRE', key('replies', A.front), REPLIES_EXPIRE)
  keep_staged(REPLIES_EXPIRE)
  sweep({ unpack(ARGV, A.rest) })
  return redis.call('HGET', key('routes'), 'digest') or ''
end)
