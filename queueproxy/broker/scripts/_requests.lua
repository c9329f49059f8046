-- What can become of one request. A `request` is a table with id, queue, entry, size, chunks, front;
-- a lease adds slot, attempt, claimed, call, most and streamed. Numbers that are only handed on
-- (size, chunks, most, claimed) stay the text they came as: reading and writing them is a good part
-- of a call.

local REPLIES_EXPIRE = 120000 -- ms; a living front's heartbeat keeps its list longer
local FLOW_EXPIRES = 30000 -- ms
local DEAD_LETTERS = 1000
local DEAD_BODY = 65536 -- bytes; larger bodies are not kept

-- What the scripts need to know of an entry, as enqueued: field `m`, space-separated.
local function parse_meta(meta)
  local id, front, hold, size, chunks, most =
    string.match(meta or '', '^(%S+) (%S+) (%d+) (%d+) (%d+) (%d+)$')
  return id and {
    id = id, front = front, hold = hold, size = size, chunks = chunks, most = most,
  }
end

local function parse_held(id, front, value)
  local queue, entry, size, chunks, slot = string.match(value, '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
  return {
    id = id, front = front, queue = queue, entry = entry,
    size = size, chunks = chunks, slot = slot ~= '-' and slot or nil,
  }
end

local function write_held(request, slot)
  redis.call('HSET', key('held', request.front), request.id,
    request.queue .. ' ' .. request.entry .. ' ' .. request.size .. ' ' .. request.chunks .. ' '
    .. (slot or '-'))
end

local function read_lease(slot)
  local value = redis.call('HGET', key('leases'), slot)
  if not value then
    return nil
  end
  local id, attempt, claimed, call, queue, entry, size, chunks, front, most, streamed = string.match(value,
    '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
  return {
    slot = slot, id = id, attempt = tonumber(attempt), claimed = claimed, call = call,
    queue = queue, entry = entry, size = size, chunks = chunks, front = front,
    most = most, streamed = streamed == '1',
  }
end

local function write_lease(lease)
  redis.call('HSET', key('leases'), lease.slot, table.concat({
    lease.id, lease.attempt, lease.claimed, lease.call, lease.queue, lease.entry,
    lease.size, lease.chunks, lease.front, lease.most, lease.streamed and '1' or '0',
  }, ' '))
end

local function has_chunks(request)
  return request.chunks ~= '0'
end

-- Whether it may run once and never again.
local function runs_once(request)
  return request.most == '1'
end

local function wanted(request)
  return redis.call('HEXISTS', key('held', request.front), request.id) == 1
end

local function front_lives(front)
  local expires = redis.call('ZSCORE', key('fronts'), front)
  return expires and tonumber(expires) > NOW
end

-- The reason for one whose hold ran out while it waited: it may have been started before.
local function hold_expired(started)
  return started and 'hold_expired_started' or 'hold_expired'
end

-- Tell a front what became of a request that no worker answers.
local function notice(request, reason)
  redis.call('XADD', key('replies', request.front), '*', 'n', cjson.encode({
    id = request.id, reason = reason, attempt = request.attempt or 0,
  }))
  redis.call('PEXPIRE', key('replies', request.front), REPLIES_EXPIRE)
end

local function entry_fields(queue, entry)
  local found = redis.call('XRANGE', key('queue', queue), entry, entry)[1]
  return found and found[2]
end

local function read_entry(queue, entry)
  local fields = entry_fields(queue, entry)
  return fields and table_of(fields)
end

-- Forget the entry, its bytes and its chunks. Returns whether a front still wanted an answer.
local function forget(request)
  redis.call('XDEL', key('queue', request.queue), request.entry)
  add('bytes', -tonumber(request.size))
  if has_chunks(request) then
    redis.call('DEL', key('body', request.id))
  end
  return redis.call('HDEL', key('held', request.front), request.id) == 1
end

-- Take a waiting request out of whichever set of waiting ones it stands in.
local function unqueue(request)
  add('waiting:' .. request.queue, -1)
  local member = padded(request.entry)
  if redis.call('ZREM', key('returned', request.queue), member) == 1 then
    add('returned:' .. request.queue, -1)
  elseif number('parked:' .. request.queue) > 0 then
    local fields = read_entry(request.queue, request.entry)
    if fields and redis.call('ZREM', key('parked', request.queue .. ':' .. fields.v), member) == 1 then
      add('parked:' .. request.queue, -1)
    end
  end
end

local function end_lease(lease)
  redis.call('HDEL', key('leases'), lease.slot)
  add('inflight:' .. lease.queue, -1)
end

-- Keep a copy for a person to see.
local function bury(request, reason)
  local fields = read_entry(request.queue, request.entry)
  add_stat(request.queue, 'failed:' .. reason, 1)
  if not fields then
    return
  end
  local kept = fields.b and #fields.b <= DEAD_BODY and not has_chunks(request)
  redis.call('XADD', key('dead'), 'MAXLEN', '~', DEAD_LETTERS, '*',
    'reason', reason, 'id', request.id, 'queue', request.queue, 'entry', request.entry,
    'attempts', request.attempt or 0, 'worker', request.slot or '',
    'claimed', request.claimed or 0, 'v', fields.v or '', 'h', fields.h or '',
    'b', kept and fields.b or '', 's', fields.s or '', 'body_kept', kept and '1' or '0',
    'size', request.size)
end

-- Back to the head of its queue, `used` attempts spent.
local function give_back(lease, used)
  end_lease(lease)
  if used > 0 then
    redis.call('HSET', key('attempts'), lease.id, used)
  end
  redis.call('ZADD', key('returned', lease.queue), 0, padded(lease.entry))
  add('returned:' .. lease.queue, 1)
  add('waiting:' .. lease.queue, 1)
  write_held(lease, nil)
  if not paused(lease.queue) then
    ring(lease.queue)
  end
end

-- The request is over; `reason` other than nil means nobody answers it: tell its front, bury it.
local function conclude(lease, reason)
  if reason then
    bury(lease, reason)
  end
  end_lease(lease)
  if lease.attempt > 1 then
    redis.call('HDEL', key('attempts'), lease.id)
  end
  if lease.streamed then
    redis.call('DEL', key('flow', lease.id))
  end
  local still_wanted = forget(lease)
  if reason and still_wanted then
    notice(lease, reason)
  end
  return still_wanted
end

-- The worker holding it is gone: run it again where that is safe, else say so.
local function lose(lease)
  if not wanted(lease) then
    conclude(lease, runs_once(lease) and 'worker_lost' or nil)
  elseif tonumber(lease.most) > lease.attempt and not lease.streamed then
    add_stat(lease.queue, 'redelivered', 1)
    give_back(lease, lease.attempt)
  else
    conclude(lease, 'worker_lost')
  end
end

-- Take a worker's name off and deal with all it holds.
local function reap_worker(worker)
  local prefix = worker .. '/'
  local leases = redis.call('HKEYS', key('leases'))
  for _, slot in ipairs(leases) do
    if string.sub(slot, 1, #prefix) == prefix then
      lose(read_lease(slot))
    end
  end
  redis.call('ZREM', key('workers'), worker)
  redis.call('DEL', key('worker', worker))
end

-- Drop what a front left behind, at most `most` requests a call. Returns whether it is done.
local function reap_front(front, most)
  local held = key('held', front)
  local entries = redis.call('HSCAN', held, '0', 'COUNT', most)[2]
  for i = 1, #entries, 2 do
    local request = parse_held(entries[i], front, entries[i + 1])
    if request.slot then
      redis.call('HDEL', held, request.id)
    else
      unqueue(request)
      redis.call('HDEL', key('attempts'), request.id)
      forget(request)
      add_stat(request.queue, 'failed:front_lost', 1)
    end
  end
  if redis.call('EXISTS', held) == 1 then
    return false
  end
  local staged = redis.call('HGETALL', key('staged', front))
  for i = 1, #staged, 2 do
    redis.call('DEL', key('body', staged[i]))
    add('bytes', -tonumber(staged[i + 1]))
  end
  redis.call('ZREM', key('fronts'), front)
  redis.call('DEL', key('staged', front), key('replies', front), key('front', front))
  return true
end
