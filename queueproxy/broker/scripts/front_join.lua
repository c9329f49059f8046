-- front_join: put a front on the list. ARGV: run, front, lease ms, info (JSON).
-- Returns 'epoch', or the number of the last enqueue taken from it (0: it is new to this broker).

if epoch_changed() then
  return 'epoch'
end
redis.call('ZADD', K.fronts, NOW + tonumber(ARGV[3]), ARGV[2])
redis.call('HSET', K.front(ARGV[2]), 'info', ARGV[4])
redis.call('HSETNX', K.front(ARGV[2]), 'joined', NOW)
return tonumber(redis.call('HGET', K.front(ARGV[2]), 'seq') or 0)
