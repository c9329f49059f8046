-- Releases: versions of the project's code, as workers name them. Once one is active, only its workers
-- claim; those of others stand by. Which one that is stands in one field of the state, which each claim
-- reads: so an activation is one moment for all of them.
--
-- Workers remember what they were told last, and tell it again with each heartbeat: a broker that has lost
-- its data, or the last of it, hears from them. The later activation counts.

local LOOK_WITHIN = 15000 -- ms; BLOCK_FOR in broker/bells.py: an idle thread looks by itself then
local MOST_WOKEN = 1024 -- threads of one worker
local RELEASE_KEPT = 604800000 -- ms (a week) from the last heartbeat of its workers

-- What a worker tells of itself, a table of whatever it is.
local function info_of(worker)
  local readable, told = pcall(cjson.decode, redis.call('HGET', key('worker', worker), 'info') or '')
  return readable and type(told) == 'table' and told or {}
end

-- The name of a release, '' where it is none that can be activated.
local function release_of(info)
  local name = type(info.release) == 'string' and string.match(info.release, '^[^%s{}]+$')
  return name and name ~= '-' and name or ''
end

local function activation()
  return parse_activation(value('activation')) or { number = 0 }
end

-- Whether a worker must not start what is for the release that serves. `standby`, '1': nor where none is
-- active.
local function stands_by(release, standby)
  local active = value('activation') and activation().active
  if active then
    return active ~= release
  end
  return standby == '1'
end

-- Have idle threads look again, whatever bells they listen to: of a release, or, nil, of all.
local function wake_workers(release)
  for _, worker in ipairs(redis.call('ZRANGE', key('workers'), 0, -1)) do
    local info = info_of(worker)
    if not release or release_of(info) == release then
      local bell = key('bell', '@' .. worker)
      local listening = info.async == true and 1 or tonumber(info.threads) or 1
      redis.call('DEL', bell)
      for _ = 1, math.min(listening, MOST_WOKEN) do
        redis.call('RPUSH', bell, '1')
      end
      redis.call('PEXPIRE', bell, LOOK_WITHIN)
    end
  end
end

-- Believe a worker that knows of a later activation than the broker: that has lost it.
local function restore_activation(text)
  local told = parse_activation(text)
  if told and told.number > activation().number then
    set('activation', text)
    wake_workers()
  end
end

-- Keep what is known of a release whose workers are there.
local function keep_release(release)
  redis.call('HSETNX', key('release', release), 'since', NOW)
  redis.call('PEXPIRE', key('release', release), RELEASE_KEPT)
  redis.call('PEXPIRE', key('stats', '@' .. release), RELEASE_KEPT)
end

-- Sets in which a request may stand parked: that of its wire version, that of its release.
local function parked_sets(queue, fields)
  local meta = parse_meta(fields.m)
  local names = { queue .. ':' .. (fields.v or '') }
  if meta and meta.release then
    names[2] = queue .. ':@' .. meta.release
  end
  return names
end

local function leave_parked(queue, fields, member)
  for _, name in ipairs(parked_sets(queue, fields)) do
    if redis.call('ZREM', key('parked', name), member) == 1 then
      return true
    end
  end
  return false
end

-- Let a request that is for one release wait for its workers. The stream passes over it.
local function park_for_release(request)
  local set_name = request.queue .. ':@' .. request.release
  redis.call('ZADD', key('parked', set_name), 0, padded(request.entry))
  add('parked:' .. request.queue, 1)
  wake_workers(request.release)
end

local DEPLOYS_KEPT = 200

-- The mark of a deploy in the history.
local function mark_deploy(release)
  local deploy = cjson.encode({ t = math.floor(NOW / 1000), release = release })
  redis.call('RPUSH', key('history', 'deploys'), deploy)
  redis.call('LTRIM', key('history', 'deploys'), -DEPLOYS_KEPT, -1)
end
