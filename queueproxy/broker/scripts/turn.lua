-- include: requests, stats
-- turn: settle the slot's request and claim the next, in one trip.
--
-- ARGV: run, worker, slot, turn number, claim (1 or 0), wire version,
--       id to settle (or ''), attempt, outcome: answered, released, abandoned
--       (its client left) or the reason of a refusal,
--       reply version, reply head, reply body, reply signature, method, status, run time (us),
--       queues in strict order...
-- Returns {'epoch'}, {'fenced'}, {'again'}, {'idle', ms until a pause ends or 0} or
--         {'claimed', queue, entry, attempt, waited ms, fields...}.
--
-- A retried turn is safe: a lease is settled once, and one claimed by this very turn is given again.

local WORKER, SLOT, TURN, CLAIM, VERSION = ARGV[2], ARGV[3], ARGV[4], ARGV[5] == '1', ARGV[6]
local SETTLE, ATTEMPT, OUTCOME = ARGV[7], tonumber(ARGV[8]), ARGV[9]
local FIRST_QUEUE = 17
local MOST_DROPPED = 64

local function answer(lease)
  if conclude(lease, nil) then
    redis.call('XADD', K.replies(lease.front), '*',
      'v', ARGV[10], 'h', ARGV[11], 'b', ARGV[12], 's', ARGV[13])
    redis.call('PEXPIRE', K.replies(lease.front), REPLIES_EXPIRE)
  end
  redis.call('HINCRBY', K.stats(lease.queue), 'code:' .. ARGV[14] .. ':' .. ARGV[15], 1)
  redis.call('HINCRBY', K.worker(WORKER), 'completed', 1)
  observe(lease.queue, 'run', tonumber(ARGV[16]) / 1000000)
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
  local result = { 'claimed', lease.queue, lease.entry, lease.attempt,
    lease.claimed - entry_parts(lease.entry) }
  for name, value in pairs(fields) do
    result[#result + 1] = name
    result[#result + 1] = value
  end
  return result
end

-- The lease this entry would become, or nil where its fields are not those of an enqueued request.
local function lease_for(queue, entry, fields)
  local size, chunks, hold, most =
    tonumber(fields.n), tonumber(fields.c), tonumber(fields.x), tonumber(fields.a)
  if not (fields.i and fields.f and fields.h and size and chunks and hold and most) then
    return nil
  end
  return {
    slot = SLOT, id = fields.i, attempt = 1, claimed = NOW, turn = TURN, queue = queue,
    entry = entry, size = size, chunks = chunks, front = fields.f, most = most,
    streamed = false, hold = hold,
  }
end

-- Only what enqueue registered is ever run: a copy or a stranger's entry is put away, not counted.
local function registered(request, queue, entry)
  local held = request and redis.call('HGET', K.held(request.front), request.id)
  if held and string.match(held, '^%S+ (%S+) ') == entry then
    return true
  end
  bury(request or { id = '', queue = queue, entry = entry, size = 0, chunks = 0 }, 'unregistered')
  redis.call('XDEL', K.queue(queue), entry)
  return false
end

-- The reason a waiting request must not be started now, '' where nobody needs to be told.
local function unstartable(request)
  if not front_lives(request.front) then
    return ''
  end
  if entry_parts(request.entry) + request.hold <= NOW then
    return 'hold_expired'
  end
  local fence = request.most == 1 and redis.call('HGET', K.state, 'fence:' .. request.queue)
  if fence and not_after(request.entry, fence) then
    -- The broker may have forgotten that this was claimed before.
    bury(request, 'epoch')
    return 'worker_lost'
  end
  return nil
end

-- Make a waiting request this slot's lease, or drop it and return nil.
local function start(request, returned)
  count('waiting:' .. request.queue, -1)
  local reason = unstartable(request)
  if reason then
    redis.call('HDEL', K.attempts, request.id)
    forget(request)
    if reason ~= '' then
      notice(request, reason)
    end
    return nil
  end
  if returned then
    request.attempt = 1 + tonumber(redis.call('HGET', K.attempts, request.id) or 0)
  end
  write_lease(request)
  write_held(request, SLOT)
  count('inflight:' .. request.queue, 1)
  observe(request.queue, 'wait', math.max(0, (NOW - entry_parts(request.entry)) / 1000))
  return request
end

local function park(queue, entry, version)
  redis.call('ZADD', K.parked(queue .. ':' .. version), 0, padded(entry))
  count('parked:' .. queue, 1)
end

-- The next waiting entry of a queue: handed back ones, parked ones we know, then the stream.
local function take(queue, returned, parked, cursor)
  if returned > 0 then
    local member = redis.call('ZPOPMIN', K.returned(queue))[1]
    if member then
      count('returned:' .. queue, -1)
      local entry = unpadded(member)
      return entry, read_entry(queue, entry), true
    end
  end
  if parked > 0 then
    local member = redis.call('ZPOPMIN', K.parked(queue .. ':' .. VERSION))[1]
    if member then
      count('parked:' .. queue, -1)
      local entry = unpadded(member)
      return entry, read_entry(queue, entry), true
    end
  end
  local found = redis.call('XRANGE', K.queue(queue), cursor and '(' .. cursor or '-', '+', 'COUNT', 1)
  if not found[1] then
    return nil
  end
  redis.call('HSET', K.state, 'cursor:' .. queue, found[1][1])
  return found[1][1], table_of(found[1][2]), false
end

-- One waiting entry of a queue as a started lease with its fields; nil where none could be started.
local function claim_from(queue, entry, fields, returned)
  if not fields then
    count('waiting:' .. queue, -1)
    return nil
  end
  local request = lease_for(queue, entry, fields)
  if not registered(request, queue, entry) then
    return nil
  end
  if fields.v ~= VERSION then
    park(queue, entry, fields.v)
    return nil
  end
  local lease = start(request, returned)
  return lease and claimed(lease, fields)
end

-- After a paced resume: ms until this queue may start the next, 0 for now; ends with the backlog.
local function pace_left(queue, next_start)
  if not next_start then
    return 0
  end
  return math.max(0, tonumber(next_start) - NOW)
end

local function step_pace(queue, pace, next_start)
  if tonumber(redis.call('HGET', K.state, 'waiting:' .. queue) or 0) <= 0 then
    redis.call('HDEL', K.state, 'pace:' .. queue, 'next:' .. queue)
  else
    -- Counted from the last start that was due, so that late claims don't lower the rate.
    local due = math.max(tonumber(next_start), NOW - 1000)
    redis.call('HSET', K.state, 'next:' .. queue, due + tonumber(pace))
  end
end

local function claim()
  local dropped, pause_left = 0, 0
  for i = FIRST_QUEUE, #ARGV do
    local queue = ARGV[i]
    while true do
      local state = redis.call('HMGET', K.state, 'waiting:' .. queue, 'returned:' .. queue,
        'parked:' .. queue, 'paused:' .. queue, 'cursor:' .. queue, 'pace:' .. queue, 'next:' .. queue)
      if tonumber(state[1] or 0) <= 0 then
        break
      end
      local left = math.max(tonumber(state[4] or 0) - NOW, pace_left(queue, state[7]))
      if left > 0 then
        pause_left = pause_left == 0 and left or math.min(pause_left, left)
        break
      end
      local entry, fields, returned = take(
        queue, tonumber(state[2] or 0), tonumber(state[3] or 0), state[5])
      if not entry then
        break
      end
      local result = claim_from(queue, entry, fields, returned)
      if result then
        if state[6] then
          step_pace(queue, state[6], state[7])
        end
        return result
      end
      dropped = dropped + 1
      if dropped >= MOST_DROPPED then
        return { 'again' }
      end
    end
  end
  return { 'idle', pause_left }
end

-- Whoever is awake wakes the next: no token was kept for what still waits.
local function pass_on()
  for i = FIRST_QUEUE, #ARGV do
    local queue = ARGV[i]
    local state = redis.call('HMGET', K.state, 'waiting:' .. queue, 'parked:' .. queue, 'paused:' .. queue)
    if tonumber(state[1] or 0) > tonumber(state[2] or 0) and tonumber(state[3] or 0) <= NOW then
      ring(queue)
    end
  end
end

if epoch_changed() then
  return { 'epoch' }
end
if not redis.call('ZSCORE', K.workers, WORKER) then
  return { 'fenced' }
end
local lease = read_lease(SLOT)
if lease and SETTLE == lease.id and ATTEMPT == lease.attempt then
  settle(lease)
  lease = nil
end
if lease and lease.turn ~= TURN then
  -- A lease this thread has long dealt with: the broker forgot the settling (failover).
  lose(lease)
  lease = nil
end
if lease then
  return claimed(lease, read_entry(lease.queue, lease.entry) or {})
end
if not CLAIM then
  return { 'idle', 0 }
end
local result = claim()
if result[1] == 'claimed' then
  pass_on()
end
return result
