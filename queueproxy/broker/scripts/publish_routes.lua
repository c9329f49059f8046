-- publish_routes: let fronts have the table of routes of this worker's code (queueproxy/route_table.py).
--
-- Arguments: worker; digest: names the table; table: signed, as it is to be kept, or '' to ask only.
-- Reply: 'fenced', 'ok', or 'wanted': call again with the table.
--
-- Who calls with a table has just begun to serve, or was asked to: it takes the place of any other. Who
-- only asks is told to where there is none, or none of a worker that is still there; so the table of a
-- release goes with its last worker, and two releases side by side do not change it all the time.

local A = arguments('worker', 'digest', 'table')

register('publish_routes', A, {}, function()
  if not redis.call('ZSCORE', key('workers'), A.worker) then
    return 'fenced'
  end
  local found = redis.call('HMGET', key('routes'), 'digest', 'worker')
  local digest, publisher = found[1], found[2]
  if A.table ~= '' then
    redis.call('HSET', key('routes'), 'digest', A.digest, 'table', A.table, 'worker', A.worker)
  elseif publisher and publisher ~= A.worker and redis.call('ZSCORE', key('workers'), publisher) then
    return 'ok'
  elseif digest ~= A.digest then
    return 'wanted'
  elseif publisher ~= A.worker then
    redis.call('HSET', key('routes'), 'worker', A.worker)
  end
  return 'ok'
end)
