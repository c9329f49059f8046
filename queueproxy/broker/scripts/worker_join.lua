-- worker_join: put a worker on the list.
--
-- Arguments: worker; lease: ms; info: JSON.
-- Reply: 'ok'.
--
-- The first worker of another release than the last that came so is the mark of a deploy in the
-- history. Not one whose release another worker has: while two are side by side, as during a
-- rolling restart or for good, processes of both come and go.

local A = arguments('worker', 'lease', 'info')
local DEPLOYS_KEPT = 200

local function release_of(info)
  local readable, told = pcall(cjson.decode, info)
  return readable and type(told) == 'table' and told.release or ''
end

local function is_deploy(release)
  local last = redis.call('LINDEX', key('history', 'deploys'), -1)
  if release == '' or (last and cjson.decode(last).release == release) then
    return false
  end
  for _, other in ipairs(redis.call('ZRANGE', key('workers'), 0, -1)) do
    if release_of(redis.call('HGET', key('worker', other), 'info')) == release then
      return false
    end
  end
  return true
end

local function mark_deploy(release)
  local deploy = cjson.encode({ t = math.floor(NOW / 1000), release = release })
  redis.call('RPUSH', key('history', 'deploys'), deploy)
  redis.call('LTRIM', key('history', 'deploys'), -DEPLOYS_KEPT, -1)
end

register('worker_join', A, { flags = { 'allow-oom' } }, function()
  advance_clock(A.lease)
  local release = release_of(A.info)
  if is_deploy(release) then
    mark_deploy(release)
  end
  redis.call('ZADD', key('workers'), lease_clock() + tonumber(A.lease), A.worker)
  redis.call('HSET', key('worker', A.worker), 'info', A.info, 'joined', NOW, 'state', 'idle')
  redis.call('HSETNX', key('worker', A.worker), 'completed', 0)
  return 'ok'
end)
