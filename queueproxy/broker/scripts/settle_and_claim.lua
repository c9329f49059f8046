-- settle_and_claim: settle the slot's request and claim the next, in one trip.
--
-- Arguments: worker, slot; release: of the worker, '' for none; standby: 1 where it claims nothing while no
-- release is active, else 0; call: number of the thread's call; claim: 1 or 0; version: the wire version
-- it reads; settle: registration to settle, or ''; attempt: of it; outcome: answered, released,
-- deferred (not run: put back for PUT_OFF), repeat (to be run again, as if its worker were lost),
-- abandoned (its client left), misrouted (not run: see `decline`) or the reason of a refusal; proof:
-- that it was not run, for its front to verify, or ''; reply_version, reply_head, reply_body,
-- reply_signature, reply_value, reply_value_size: of the answer, as for `push`; max_bytes: of all in the
-- broker; then queues in strict order.
-- Reply: 'fenced', {'full'} (nothing was done: fronts have to read first), {'absent'} (nothing was done:
-- the value `reply_value` is not there), {'again'}, {'idle', ms until a pause ends or 0, queue this thread
-- must not serve until then or '', 'standby' where its release is not the active one or ''} or
-- {'claimed', queue, entry, attempt, waited ms, {fields and values of the entry}}.
--
-- A retried call is safe: a lease is settled once, and one claimed by this very call is given again.
-- Each names another value: what it names is deleted where no front is told of it.

local A = arguments('worker', 'slot', 'release', 'standby', 'call', 'claim', 'version', 'settle', 'attempt',
  'outcome', 'proof', 'reply_version', 'reply_head', 'reply_body', 'reply_signature', 'reply_value',
  'reply_value_size', 'max_bytes')
local DROPPED_A_CALL = 64 -- entries that can't be started
local PUT_OFF = 1000 -- ms
local LANE_AGAIN = 500 -- ms until a thread looks again whether it may serve the operators' lane

local function reply_fields()
  return frame_fields(A.reply_version, A.reply_head, A.reply_body, A.reply_signature, A.reply_value,
    A.reply_value_size)
end

-- The reply where an answer can't be given now, else nil.
local function why_not_now(lease)
  if A.outcome ~= 'answered' then
    return nil
  end
  if no_room_for_reply(lease.front, reply_size(reply_fields()), A.max_bytes) and wanted(lease) then
    return 'full'
  end
  return not prolong_value(A.reply_value, A.reply_value_size) and 'absent' or nil
end

local function is_to_be_settled(lease)
  return lease and A.settle == registration(lease) and tonumber(A.attempt) == lease.attempt
end

local function settle(lease)
  if A.outcome == 'answered' then
    if not answer(lease, reply_fields()) then
      delete_value(A.reply_value)
    end
  elseif A.outcome == 'released' and wanted(lease) then
    requeue(lease, lease.attempt - 1)
  elseif A.outcome == 'deferred' and wanted(lease) then
    requeue(lease, lease.attempt - 1, PUT_OFF)
    add_stat(lease.queue, 'deferred', 1)
  elseif A.outcome == 'released' or A.outcome == 'deferred' or A.outcome == 'abandoned' then
    drop(lease)
  elseif A.outcome == 'repeat' then
    recover(lease)
  elseif A.outcome == 'misrouted' or A.proof ~= '' then
    decline(lease, A.outcome, A.proof)
  else
    fail(lease, A.outcome)
  end
end

local function claim_reply(lease, flat, fields)
  local claimed = lease.claimed_ms
  local waited = math.max(0, claimed - (tonumber(fields.c) or claimed))
  return { 'claimed', lease.queue, lease.entry, lease.attempt, waited, flat }
end

-- Make a waiting request this slot's lease.
local function start(request, place)
  request.slot, request.claimed_ms, request.call = A.slot, lease_clock(), A.call
  request.attempt = 1 + (place.kind and tonumber(times_started(request) or 0) or 0)
  request.streamed, request.body_read, request.body_asked = false, 0, 0
  leave(place)
  write_lease(request)
  add('waiting:' .. request.queue, -1)
  add('inflight:' .. request.queue, 1)
  if request.group then
    count_waiting(request, -1)
    count_running(request, 1)
  end
  write_held(request, A.slot)
  if request.group then
    call_up(request.group)
  end
  return request
end

-- One waiting entry as a started lease with its fields; nil where it could not be started.
local function claim_from(place)
  if not place.fields then -- somebody deleted it
    leave(place)
    add('waiting:' .. place.queue, -1)
    return nil
  end
  if place.kind then -- what is taken out of its set, and can't be started then, stands nowhere
    see_that_all_is_allowed()
  end
  local fields = table_of(place.fields)
  local request = request_of(place.queue, place.entry, fields)
  local release = request and request.release
  if release and not place.kind then -- its place is among those of its release
    leave(place)
    return nil
  end
  if not registered(request) then
    put_away(request, place)
    return nil
  end
  if fields.v ~= A.version or (release and release ~= A.release) then
    park(place, fields.v ~= A.version and fields.v or '@' .. release)
    call_up(request.group)
    return nil
  end
  local reason = unstartable(request, tonumber(fields.c) or lease_clock())
  if reason then
    turn_down(request, place, reason)
    return nil
  end
  if request.group and must_line_up(request) then
    line_up(request, place)
    return nil
  end
  return claim_reply(start(request, place), place.fields, fields)
end

-- Fields of a queue in which something waits. Kept: to build the names is half the cost of the read.
local field_names = {}

local function read_more_of(queue)
  local names = field_names[queue]
  if not names then
    names = { 'inflight:' .. queue, 'returned:' .. queue, 'parked:' .. queue, 'paused:' .. queue,
      'cursor:' .. queue, 'next:' .. queue, 'clock' }
    field_names[queue] = names
  end
  prefetch(names)
end

-- The next request to be looked at. Whoever stands by takes what is for its release alone.
local function next_place(queue, standing_by)
  if standing_by then
    return next_for_release(queue, A.release)
  end
  return next_of(queue, A.version, A.release)
end

-- The sooner of two times that are to come; 0 is none.
local function sooner(one, other)
  return one > 0 and other > 0 and math.min(one, other) or math.max(one, other)
end

local function idle_reply(left, barred, standing_by)
  if barred ~= '' then
    ring(barred) -- the token that woke this thread may be meant for another worker
    left = sooner(left, LANE_AGAIN)
  end
  return { 'idle', left, barred, standing_by and 'standby' or '' }
end

local function claim(standing_by)
  local dropped, left, barred, put_off = 0, 0, '', nil
  local counted = standing_by and 'parked:' or 'waiting:'
  for i = A.rest, #ARGV do
    local queue = ARGV[i]
    local queue_left = 0
    if number(counted .. queue) > 0 then
      read_more_of(queue)
      queue_left = time_left(queue)
      if queue == OPS_QUEUE and queue_left == 0 and lane_is_taken(A.worker) then
        queue_left, barred = LANE_AGAIN, queue
      end
      left = (left == 0 or queue_left < left) and queue_left or left
    end
    while queue_left == 0 and number(counted .. queue) > 0 do
      local place = next_place(queue, standing_by)
      if not place then
        local wait = put_off_for(queue)
        put_off = wait and math.min(wait, put_off or wait) or put_off
        break
      end
      local result = claim_from(place)
      if result then
        step_rate(queue)
        return result
      end
      dropped = dropped + 1
      if dropped >= DROPPED_A_CALL then
        return { 'again' }
      end
    end
  end
  return idle_reply(sooner(left, put_off or 0), barred, standing_by)
end

-- Ring again where more is waiting: a bell keeps one token at most.
local function pass_on()
  for i = A.rest, #ARGV do
    if startable(ARGV[i]) then
      ring(ARGV[i])
    end
  end
end

-- Most queues are empty: only the depths of all are read, and more of one where something waits.
local function read_ahead()
  local fields = { 'run', 'schema', 'bytes', 'activation' }
  for i = A.rest, #ARGV do
    fields[#fields + 1] = 'waiting:' .. ARGV[i]
  end
  return fields
end

-- What this slot still holds once the settling is done: nil but for a call whose answer was lost.
local function settle_or_recover(lease)
  if is_to_be_settled(lease) then
    settle(lease)
    return nil
  end
  if lease and lease.call ~= A.call then
    -- A lease this thread has long dealt with: the broker forgot the settling (failover).
    recover(lease)
    return nil
  end
  return lease
end

-- Whether it is an old call that the network delivers late: its slot has claimed since.
local function is_late(lease)
  return lease and (tonumber(A.call) or math.huge) < tonumber(lease.call)
end

-- Whether others have given this worker up: it is on the list no more.
local function is_given_up()
  return not redis.call('ZSCORE', key('workers'), A.worker)
end

register('settle_and_claim', A, { often = true, flags = { 'allow-oom' }, read_ahead = read_ahead }, function()
  if is_given_up() then
    delete_value(A.reply_value)
    return 'fenced'
  end
  local lease = read_lease(A.slot)
  if is_late(lease) then
    delete_value(A.reply_value)
    return { 'idle', 0 }
  end
  local settles = is_to_be_settled(lease)
  local why_not = settles and why_not_now(lease)
  if why_not or not settles then
    delete_value(A.reply_value)
  end
  if why_not then
    return { why_not }
  end
  lease = settle_or_recover(lease)
  if lease then
    local flat = entry_fields(lease.queue, lease.entry) or {}
    return claim_reply(lease, flat, table_of(flat))
  end
  if A.claim ~= '1' then
    return { 'idle', 0 }
  end
  local standing_by = stands_by(A.release, A.standby)
  local result = claim(standing_by)
  -- The token that woke one that stands by was meant for another.
  if result[1] == 'claimed' or standing_by then
    pass_on()
  end
  return result
end)
