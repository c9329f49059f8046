-- activate: let the workers of one release claim, and no others, from now on.
--
-- Arguments: release, '' for any; instead_of: the release that must be active now ('' for none), '*' for
-- whichever is; keep: ms that the workers of the one before stay, ready to serve again; force: 1 to do so
-- though no worker of it is ready, else 0.
-- Reply: {what, release active now, release before}, where what is 'done', 'already', 'changed' (another
-- than `instead_of` is active; nothing was done) or 'no_worker' (nothing was done).

local A = arguments('release', 'instead_of', 'keep', 'force')
local READY = { idle = true, busy = true }

-- Whether a worker would serve then: where none is active, one that does not wait for its release to be.
local function would_serve(info)
  if A.release == '' then
    return info.standby ~= true
  end
  return release_of(info) == A.release
end

local function has_ready_worker()
  for _, worker in ipairs(redis.call('ZRANGE', key('workers'), 0, -1)) do
    if would_serve(info_of(worker))
        and READY[redis.call('HGET', key('worker', worker), 'state')] then
      return true
    end
  end
  return false
end

-- The release that serves while none is active: of workers that do not stand by. '' where none of those has a
-- name, nil where there are none.
local function served_by()
  local found
  for _, worker in ipairs(redis.call('ZRANGE', key('workers'), 0, -1)) do
    local info = info_of(worker)
    local release = release_of(info)
    if info.standby ~= true and release ~= A.release then
      found = release
      if release ~= '' then
        break
      end
    end
  end
  return found
end

-- Each release has its table of routes: fronts go by that of the active one.
local function exchange_tables(before)
  if before and redis.call('EXISTS', key('routes')) == 1 then
    redis.call('COPY', key('routes'), key('table', before), 'REPLACE')
    redis.call('PEXPIRE', key('table', before), RELEASE_KEPT)
  end
  if A.release ~= '' and redis.call('EXISTS', key('table', A.release)) == 1 then
    redis.call('COPY', key('table', A.release), key('routes'), 'REPLACE')
    redis.call('PERSIST', key('routes'))
  end
end

local function note_times(before)
  if before then
    redis.call('HSET', key('release', before), 'retires', integer(lease_clock() + tonumber(A.keep)))
    keep_release(before)
  end
  if A.release ~= '' then
    redis.call('HSET', key('release', A.release), 'activated', NOW)
    redis.call('HDEL', key('release', A.release), 'retires')
    keep_release(A.release)
  else -- all may serve: none is to end
    for _, worker in ipairs(redis.call('ZRANGE', key('workers'), 0, -1)) do
      redis.call('HDEL', key('release', release_of(info_of(worker))), 'retires')
    end
  end
end

register('activate', A, { flags = { 'allow-oom' } }, function()
  advance_clock()
  local now = activation()
  local active = now.active or ''
  if A.instead_of ~= '*' and A.instead_of ~= active then
    return { 'changed', active, now.previous or '' }
  end
  if A.release == active then
    return { 'already', active, now.previous or '' }
  end
  if A.force ~= '1' and not has_ready_worker() then
    return { 'no_worker', active, now.previous or '' }
  end
  local before = now.active or served_by()
  local previous = before or now.previous -- the one that `release off` has ended
  if previous == '' or previous == A.release then
    previous = nil -- workers without a name: a rollback ends releases
  end
  before = before ~= '' and before or nil
  exchange_tables(before)
  note_times(A.release ~= '' and before or nil)
  set('activation', pack_activation({
    number = integer(math.max(NOW, now.number + 1)),
    active = A.release ~= '' and A.release or nil,
    previous = previous,
  }))
  if A.release ~= '' then
    mark_deploy(A.release)
  end
  wake_workers()
  return { 'done', A.release, before or '' }
end)
