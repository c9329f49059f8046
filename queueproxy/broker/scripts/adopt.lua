-- adopt: agree that these keys now live on the server whose run_id the caller gives.
--
-- Arguments: lease: ms that everybody on the lists gets again.
-- Reply: 'ok'.
--
-- After a restart or a failover the last writes may be lost, claims among them: what is unsafe to
-- repeat and stands in a queue now is never started (fence). Nobody could send a heartbeat while the
-- broker was away, so every lease gets its full length again. The lease clock goes on from where it
-- stood in the keys, whatever the server's own clock says.
--
-- The epoch is written last: until then the next caller does all of this again.

local A = arguments('lease')

local function fence_queues()
  for _, field in ipairs(redis.call('HKEYS', STATE)) do
    local queue = string.match(field, '^waiting:(.+)$')
    if queue and redis.call('EXISTS', key('queue', queue)) == 1 then
      local info = table_of(redis.call('XINFO', 'STREAM', key('queue', queue)))
      set('fence:' .. queue, info['last-generated-id'])
    end
  end
end

local function extend_leases()
  for _, members in ipairs({ key('workers'), key('fronts') }) do
    for _, member in ipairs(redis.call('ZRANGE', members, 0, -1)) do
      redis.call('ZADD', members, lease_clock() + tonumber(A.lease), member)
    end
  end
end

register('adopt', A, { flags = { 'allow-oom' }, any_epoch = true }, function()
  local had_run = value('run')
  if had_run and had_run ~= RUN then
    fence_queues()
    extend_leases()
  end
  advance_clock()
  sound[PREFIX] = nil
  set('run', RUN)
  set('schema', SCHEMA)
  return 'ok'
end)
