-- publish_routes: let fronts have the table of routes of this worker's code (queueproxy/route_table.py).
--
-- Arguments: worker; digest: names the table; table: signed, as it is to be kept, or '' to ask only; release
-- and standby: as for `settle_and_claim`.
-- Reply: 'fenced', 'ok', or 'wanted': call again with the table.
--
-- Who calls with a table has just begun to serve, or was asked to: it takes the place of any other. Who
-- only asks is told to where there is none, or none of a worker that is still there; so the table of a
-- release goes with its last worker, and two releases side by side do not change it all the time.
--
-- A release that stands by has its table ready beside the one that fronts use: see `activate`.

local A = arguments('worker', 'digest', 'table', 'release', 'standby')

-- Whether a table is that of a worker who is there; where a release is active, of one of its own.
local function is_kept_by(publisher)
  if not redis.call('ZSCORE', key('workers'), publisher) then
    return false
  end
  return not activation().active or release_of(info_of(publisher)) == A.release
end

register('publish_routes', A, {}, function()
  if not redis.call('ZSCORE', key('workers'), A.worker) then
    return 'fenced'
  end
  local place = key('routes')
  if stands_by(A.release, A.standby) then
    if A.release == '' then
      return 'ok'
    end
    place = key('table', A.release)
  end
  local found = redis.call('HMGET', place, 'digest', 'worker')
  local digest, publisher = found[1], found[2]
  if A.table ~= '' then
    redis.call('HSET', place, 'digest', A.digest, 'table', A.table, 'worker', A.worker)
  elseif publisher and publisher ~= A.worker and is_kept_by(publisher) then
    return 'ok'
  elseif digest ~= A.digest then
    return 'wanted'
  elseif publisher ~= A.worker then
    redis.call('HSET', place, 'worker', A.worker)
  end
  if place ~= key('routes') then
    redis.call('PEXPIRE', place, RELEASE_KEPT)
  end
  return 'ok'
end)
