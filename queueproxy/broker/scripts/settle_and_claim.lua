-- settle_and_claim: settle the slot's request and claim the next, in one trip.
--
-- ARGV: run, worker, slot, call number, claim (1 or 0), wire version,
--       id to settle (or ''), attempt, outcome: answered, released, abandoned
--       (its client left) or the reason of a refusal,
--       reply version, reply head, reply body, reply signature, queues in strict order...
-- Returns {'epoch'}, {'fenced'}, {'again'}, {'idle', ms until a pause ends or 0} or
--         {'claimed', queue, attempt, waited ms, {fields and values of the entry}}.
--
-- A retried call is safe: a lease is settled once, and one claimed by this very call is given again.

local WORKER, SLOT, CALL, CLAIM, VERSION
local SETTLE, ATTEMPT, OUTCOME
local FIRST_QUEUE = 14
local MOST_DROPPED = 64

local function answer(lease)
  if conclude(lease, nil) then
    redis.call('XADD', key('replies', lease.front), '*',
      'v', ARGV[10], 'h', ARGV[11], 'b', ARGV[12], 's', ARGV[13])
  end
end

local function settle(lease)
  if OUTCOME == 'answered' then
    answer(lease)
  elseif OUTCOME == 'released' then
    if wanted(lease) then
      give_back(lease, lease.attempt - 1)
    else
      conclude(lease, nil)
    end
  elseif OUTCOME == 'abandoned' then
    conclude(lease, nil)
  else
    conclude(lease, OUTCOME)
  end
end

local function claimed(lease, fields)
  local waited = lease.claimed - entry_parts(lease.entry)
  return { 'claimed', lease.queue, lease.attempt, waited, fields }
end

-- The lease this entry would become, or nil where it is none that enqueue made.
local function lease_for(queue, entry, fields)
  local lease = parse_meta(fields.m)
  if lease then
    lease.slot, lease.attempt, lease.claimed, lease.call = SLOT, 1, NOW, CALL
    lease.queue, lease.entry, lease.streamed = queue, entry, false
  end
  return lease
end

-- Only what enqueue registered is ever run: a copy or a stranger's entry is put away, not counted.
local function registered(request, queue, entry)
  local held = request and redis.call('HGET', key('held', request.front), request.id)
  if held and string.match(held, '^%S+ (%S+) ') == entry then
    return true
  end
  bury(request or { id = '', queue = queue, entry = entry, size = '0', chunks = '0' }, 'unregistered')
  redis.call('XDEL', key('queue', queue), entry)
  return false
end

-- The reason a waiting request must not be started now, '' where nobody needs to be told.
local function unstartable(request)
  if not front_lives(request.front) then
    return ''
  end
  if entry_parts(request.entry) + tonumber(request.hold) <= NOW then
    return 'hold_expired'
  end
  local fence = runs_once(request) and value('fence:' .. request.queue)
  if fence and not_after(request.entry, fence) then
    -- The broker may have forgotten that this was claimed before.
    bury(request, 'epoch')
    return 'worker_lost'
  end
  return nil
end

-- Make a waiting request this slot's lease, or drop it and return nil.
local function start(request, returned)
  add('waiting:' .. request.queue, -1)
  local reason = unstartable(request)
  if reason then
    local started = redis.call('HDEL', key('attempts'), request.id) == 1
    if reason == 'hold_expired' then
      reason = hold_expired(started)
      add_stat(request.queue, 'failed:' .. reason, 1)
    end
    forget(request)
    if reason == '' then
      add_stat(request.queue, 'failed:front_lost', 1)
    else
      notice(request, reason)
    end
    return nil
  end
  if returned then
    request.attempt = 1 + tonumber(redis.call('HGET', key('attempts'), request.id) or 0)
  end
  write_lease(request)
  write_held(request, SLOT)
  add('inflight:' .. request.queue, 1)
  return request
end

local function park(queue, entry, version)
  redis.call('ZADD', key('parked', queue .. ':' .. version), 0, padded(entry))
  add('parked:' .. queue, 1)
end

-- The first entry of a set of waiting ones, nil where it is empty.
local function take_from(kind, queue, name)
  local member = redis.call('ZPOPMIN', key(kind, name))[1]
  if member then
    add(kind .. ':' .. queue, -1)
  end
  return member and unpadded(member)
end

-- The next waiting entry of a queue: handed back ones, parked ones we know, then the stream.
local function take(queue)
  local entry = number('returned:' .. queue) > 0 and take_from('returned', queue, queue)
    or number('parked:' .. queue) > 0 and take_from('parked', queue, queue .. ':' .. VERSION)
  if entry then
    return entry, entry_fields(queue, entry), true
  end
  local cursor = value('cursor:' .. queue)
  local found = redis.call('XRANGE', key('queue', queue), cursor and '(' .. cursor or '-', '+',
    'COUNT', 1)[1]
  if not found then
    return nil
  end
  set('cursor:' .. queue, found[1])
  return found[1], found[2], false
end

-- One waiting entry of a queue as a started lease with its fields; nil where none could be started.
local function claim_from(queue, entry, flat, returned)
  if not flat then
    add('waiting:' .. queue, -1)
    return nil
  end
  local fields = table_of(flat)
  local request = lease_for(queue, entry, fields)
  if not registered(request, queue, entry) then
    return nil
  end
  if fields.v ~= VERSION then
    park(queue, entry, fields.v)
    return nil
  end
  local lease = start(request, returned)
  return lease and claimed(lease, flat)
end

-- ms until this queue may start the next: while it is paused, and after a paced resume.
local function time_left(queue)
  return math.max(0, number('paused:' .. queue) - NOW, number('next:' .. queue) - NOW)
end

local function step_rate(queue)
  if not value('next:' .. queue) then
    return
  end
  local pace = value('pace:' .. queue)
  if number('waiting:' .. queue) <= 0 then
    clear('pace:' .. queue, 'next:' .. queue)
  else
    -- Counted from the last start that was due, so that late claims don't lower the rate.
    set('next:' .. queue, integer(math.max(number('next:' .. queue), NOW - 1000) + tonumber(pace)))
  end
end

-- Of a queue in which something waits. Made once: half of reading them is making their names.
local field_names = {}

local function read_more_of(queue)
  local names = field_names[queue]
  if not names then
    names = { 'inflight:' .. queue, 'returned:' .. queue, 'parked:' .. queue, 'paused:' .. queue,
      'cursor:' .. queue, 'next:' .. queue }
    field_names[queue] = names
  end
  prefetch(names)
end

local function claim()
  local dropped, left = 0, 0
  for i = FIRST_QUEUE, #ARGV do
    local queue = ARGV[i]
    local queue_left = 0
    if number('waiting:' .. queue) > 0 then
      read_more_of(queue)
      queue_left = time_left(queue)
      left = (left == 0 or queue_left < left) and queue_left or left
    end
    while queue_left == 0 and number('waiting:' .. queue) > 0 do
      local entry, flat, returned = take(queue)
      if not entry then
        break
      end
      local result = claim_from(queue, entry, flat, returned)
      if result then
        step_rate(queue)
        return result
      end
      dropped = dropped + 1
      if dropped >= MOST_DROPPED then
        return { 'again' }
      end
    end
  end
  return { 'idle', left }
end

-- Whoever is awake wakes the next: no token was kept for what still waits.
local function pass_on()
  for i = FIRST_QUEUE, #ARGV do
    if startable(ARGV[i]) then
      ring(ARGV[i])
    end
  end
end

-- Most queues are empty: only the depths of all are read, and more of one where something waits.
local function read_ahead()
  local fields = { 'run', 'bytes' }
  for i = FIRST_QUEUE, #ARGV do
    fields[#fields + 1] = 'waiting:' .. ARGV[i]
  end
  prefetch(fields)
end

-- What this slot still holds once the settling is done: nil but for a call whose answer was lost.
local function held_now()
  local lease = read_lease(SLOT)
  if lease and SETTLE == lease.id and ATTEMPT == lease.attempt then
    settle(lease)
    return nil
  end
  if lease and lease.call ~= CALL then
    -- A lease this thread has long dealt with: the broker forgot the settling (failover).
    lose(lease)
    return nil
  end
  return lease
end

register('settle_and_claim', function()
  WORKER, SLOT, CALL, CLAIM, VERSION = ARGV[2], ARGV[3], ARGV[4], ARGV[5] == '1', ARGV[6]
  SETTLE, ATTEMPT, OUTCOME = ARGV[7], tonumber(ARGV[8]), ARGV[9]
  read_ahead()
  if epoch_changed() then
    return { 'epoch' }
  end
  if not redis.call('ZSCORE', key('workers'), WORKER) then
    return { 'fenced' }
  end
  local lease = held_now()
  if lease then
    return claimed(lease, entry_fields(lease.queue, lease.entry) or {})
  end
  if not CLAIM then
    return { 'idle', 0 }
  end
  local result = claim()
  if result[1] == 'claimed' then
    pass_on()
  end
  return result
end, { 'allow-oom' })
