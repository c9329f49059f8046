-- front_join: put a front on the list.
--
-- Arguments: front; lease: ms; info: JSON.
-- Reply: the number of the last enqueue taken from it (0: it is new to this broker), and since when
-- it has been on the list without a gap (ms). Another time than before means that it was given up
-- meanwhile: what it held may have been dropped, and its numbers forgotten.

local A = arguments('front', 'lease', 'info')

register('front_join', A, { flags = { 'allow-oom' } }, function()
  advance_clock(A.lease)
  local about = key('front', A.front)
  if not front_lives(A.front) then
    redis.call('HSET', about, 'joined', NOW)
  end
  redis.call('ZADD', key('fronts'), lease_clock() + tonumber(A.lease), A.front)
  redis.call('HSET', about, 'info', A.info)
  return { tonumber(redis.call('HGET', about, 'seq') or 0), redis.call('HGET', about, 'joined') }
end)
