-- adopt: agree that these keys now live on the server with run_id ARGV[1].
--
-- ARGV: run, grace ms. Returns 'ok'.
-- After a restart or a failover the last writes may be lost, claims among them: what is unsafe to
-- repeat and stands in a queue now is never started (fence). Nobody could send a heartbeat while the
-- broker was away, so every lease gets its full length again.

register('adopt', function()
  if not epoch_changed() then
    return 'ok'
  end
  local had_run = value('run')
  redis.call('HSET', STATE, 'run', ARGV[1])
  if not had_run then
    return 'ok'
  end
  for _, field in ipairs(redis.call('HKEYS', STATE)) do
    local queue = string.match(field, '^waiting:(.+)$')
    if queue and redis.call('EXISTS', key('queue', queue)) == 1 then
      local info = table_of(redis.call('XINFO', 'STREAM', key('queue', queue)))
      redis.call('HSET', STATE, 'fence:' .. queue, info['last-generated-id'])
    end
  end
  for _, members in ipairs({ key('workers'), key('fronts') }) do
    for _, member in ipairs(redis.call('ZRANGE', members, 0, -1)) do
      redis.call('ZADD', members, NOW + tonumber(ARGV[2]), member)
    end
  end
  return 'ok'
end, { 'allow-oom' })
