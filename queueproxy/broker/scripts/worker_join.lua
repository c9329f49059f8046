-- worker_join: put a worker on the list. ARGV: run, worker, lease ms, info (JSON).
-- Returns 'epoch' or 'ok'.

register('worker_join', function()
  if epoch_changed() then
    return 'epoch'
  end
  redis.call('ZADD', key('workers'), NOW + tonumber(ARGV[3]), ARGV[2])
  redis.call('HSET', key('worker', ARGV[2]), 'info', ARGV[4], 'joined', NOW, 'state', 'idle')
  redis.call('HSETNX', key('worker', ARGV[2]), 'completed', 0)
  return 'ok'
end, { 'allow-oom' })
