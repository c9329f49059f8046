-- worker_join: put a worker on the list.
--
-- Arguments: worker; lease: ms; info: JSON; activation: the last it was told of, '' for none.
-- Reply: the activation now, '' for none.
--
-- The first worker of another release than the last that came so is the mark of a deploy in the
-- history. Not one whose release another worker has: while two are side by side, as during a
-- rolling restart or for good, processes of both come and go. Nor one that stands by.
--
-- Where no release is active and there is no other worker, one that would stand by makes its release the
-- active one: else nobody would serve.

local A = arguments('worker', 'lease', 'info', 'activation')
local FIRST_COME = 1 -- number of an activation that nobody asked for: any other counts instead

local function is_deploy(release)
  local last = redis.call('LINDEX', key('history', 'deploys'), -1)
  if release == '' or (last and cjson.decode(last).release == release) then
    return false
  end
  for _, other in ipairs(redis.call('ZRANGE', key('workers'), 0, -1)) do
    if release_of(info_of(other)) == release then
      return false
    end
  end
  return true
end

local function activate_first(release)
  if not activation().active and redis.call('ZCARD', key('workers')) == 0 then
    local number = math.max(FIRST_COME, activation().number)
    set('activation', pack_activation({ number = integer(number), active = release }))
  end
end

-- Whoever comes to a release whose time was over comes to stand by again.
local function note_release(release)
  keep_release(release)
  local retires = redis.call('HGET', key('release', release), 'retires')
  if retires and tonumber(retires) <= lease_clock() then
    redis.call('HDEL', key('release', release), 'retires')
  end
end

register('worker_join', A, { flags = { 'allow-oom' } }, function()
  advance_clock(A.lease)
  restore_activation(A.activation)
  local readable, info = pcall(cjson.decode, A.info)
  info = readable and type(info) == 'table' and info or {}
  local release, standby = release_of(info), info.standby == true
  if standby and release ~= '' then
    activate_first(release)
  end
  if is_deploy(release) and not stands_by(release, standby and '1' or '0') then
    mark_deploy(release)
  end
  if release ~= '' and (standby or activation().active) then
    note_release(release)
  end
  redis.call('ZADD', key('workers'), lease_clock() + tonumber(A.lease), A.worker)
  redis.call('HSET', key('worker', A.worker), 'info', A.info, 'joined', NOW, 'state', 'idle')
  redis.call('HSETNX', key('worker', A.worker), 'completed', 0)
  return value('activation') or ''
end)
