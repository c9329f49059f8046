-- front_join: put a front on the list. ARGV: run, front, lease ms, info (JSON).
-- Returns 'epoch', or the number of the last enqueue taken from it (0: it is new to this broker).

register('front_join', function()
  if epoch_changed() then
    return 'epoch'
  end
  redis.call('ZADD', key('fronts'), NOW + tonumber(ARGV[3]), ARGV[2])
  redis.call('HSET', key('front', ARGV[2]), 'info', ARGV[4])
  redis.call('HSETNX', key('front', ARGV[2]), 'joined', NOW)
  return tonumber(redis.call('HGET', key('front', ARGV[2]), 'seq') or 0)
end, { 'allow-oom' })
