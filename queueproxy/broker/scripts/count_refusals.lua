-- count_refusals: add to the statistics what a front has answered itself, and no script knows of. Once,
-- however often it is sent: a front numbers upward what it tells.
--
-- Arguments: front; joined: since when it believes to be on the list (see front_join); number; then queue,
-- reason and how many, again and again.
-- Reply: 'fenced' (its numbers may be forgotten) or 'ok'.

local A = arguments('front', 'joined', 'number')

register('count_refusals', A, { flags = { 'allow-oom' } }, function()
  local about = key('front', A.front)
  local joined, counted = unpack(redis.call('HMGET', about, 'joined', 'counted'))
  if joined ~= A.joined or not redis.call('ZSCORE', key('fronts'), A.front) then
    return 'fenced'
  end
  if tonumber(A.number) > tonumber(counted or 0) then
    redis.call('HSET', about, 'counted', A.number)
    for i = A.rest, #ARGV, 3 do
      add_stat(ARGV[i], 'failed:' .. ARGV[i + 1], tonumber(ARGV[i + 2]))
    end
  end
  return 'ok'
end)
