-- front_join: put a front on the list. ARGV: run, front, lease ms, info (JSON).
--
-- Returns 'epoch', or the number of the last enqueue taken from it (0: it is new to this broker) and
-- since when it has been on the list without a gap (ms). Another time than before means that it was
-- given up meanwhile: what it held may have been dropped, and its numbers forgotten.

register('front_join', function()
  if epoch_changed() then
    return 'epoch'
  end
  local about = key('front', ARGV[2])
  if not front_lives(ARGV[2]) then
    redis.call('HSET', about, 'joined', NOW)
  end
  redis.call('ZADD', key('fronts'), NOW + tonumber(ARGV[3]), ARGV[2])
  redis.call('HSET', about, 'info', ARGV[4])
  return { tonumber(redis.call('HGET', about, 'seq') or 0), redis.call('HGET', about, 'joined') }
end, { 'allow-oom' })
