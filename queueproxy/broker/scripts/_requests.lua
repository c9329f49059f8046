-- What can become of one request. (`request`, lease: see _records.lua.)
--
-- In which order things are done here, and why: see `register`.

local DEAD_LETTERS = 1000
local DEAD_BODY = 65536 -- bytes; larger bodies are not kept

-- Fail before anything is changed where a key that is about to be written is of the wrong type, or a
-- command is refused.
local function see_that_front_can_be_told(request)
  see_that_all_is_allowed()
  redis.call('HEXISTS', key('held', request.front), request.id)
  redis.call('XLEN', key('replies', request.front))
  if request.slot then
    redis.call('HLEN', key('flow', worker_of(request.slot)))
  end
end

local function times_started(request)
  return redis.call('HGET', key('attempts'), registration(request))
end

-- Delete the entry and what is noted of earlier attempts.
local function delete_entry(request, started)
  if started then
    redis.call('HDEL', key('attempts'), registration(request))
  end
  redis.call('XDEL', key('queue', request.queue), request.entry)
  add('bytes', -tonumber(request.size))
end

-- The fields of a waiting request's entry, where it may stand in a set for which these are needed, or may be
-- a trial: that stands parked, or was handed back. Else nil: the entry, with its body, is not read in vain.
local function fields_if_apart(request)
  local apart = number('parked:' .. request.queue) > 0 or number('returned:' .. request.queue) > 0
  return apart and not request.group and read_entry(request.queue, request.entry) or nil
end

-- Take a waiting request out of the set of waiting ones it stands in, if it does.
local function leave_sets(request, fields)
  local member = padded(request.entry)
  if redis.call('ZREM', key('returned', request.queue), member) == 1 then
    add('returned:' .. request.queue, -1)
  elseif request.group and leave_line(request) then
    return
  elseif number('parked:' .. request.queue) > 0 then
    fields = fields or read_entry(request.queue, request.entry)
    if fields and leave_parked(request.queue, fields, member) then
      add('parked:' .. request.queue, -1)
    end
  end
end

-- Whether the broker may have forgotten that a waiting request, which may be run once, was claimed: it is
-- of an epoch before, and no claim has come by that would have refused it.
local function start_may_be_forgotten(request)
  local fence = value('fence:' .. request.queue)
  local fields = fence and not_after(request.entry, fence) and read_entry(request.queue, request.entry)
  local meta = fields and parse_meta(fields.m)
  return meta and runs_once(meta)
end

-- Whether a request is for one release alone, active or not: somebody tries it out, no client waits, and
-- nothing is counted of it.
local function is_a_trial(fields)
  local meta = fields and parse_meta(fields.m)
  return meta and meta.release and true or false
end

-- End a waiting request that its front holds. Returns whether it had been started, or may have been, on
-- a worker that was lost; and whether it was a trial.
local function end_waiting(request)
  local fields = fields_if_apart(request)
  local started = times_started(request) or start_may_be_forgotten(request)
  leave_sets(request, fields)
  delete_entry(request, started)
  redis.call('HDEL', key('held', request.front), request.id)
  add('waiting:' .. request.queue, -1)
  count_waiting(request, -1)
  call_up(request.group)
  return started and true or false, is_a_trial(fields)
end

-- Keep a copy of a request that could not be run for people to see: a dead letter. Of a trial none is kept
-- or counted: who tries is told.
local function dead_letter(request, reason)
  local fields = read_entry(request.queue, request.entry)
  if is_a_trial(fields) then
    return
  end
  if fields then
    local kept = fields.b and #fields.b <= DEAD_BODY and not is_in_pieces(request)
    local claimed = request.claimed_ms and NOW - (lease_clock() - request.claimed_ms) or 0
    redis.call('XADD', key('dead'), 'MAXLEN', '~', DEAD_LETTERS, '*',
      'reason', reason, 'id', request.id, 'queue', request.queue, 'entry', request.entry,
      'attempts', request.attempt or 0, 'worker', request.slot or '',
      'claimed', claimed, 'v', fields.v or '', 'h', fields.h or '',
      'b', kept and fields.b or '', 's', fields.s or '', 'body_kept', kept and '1' or '0',
      'size', request.size)
  end
  add_stat(request.queue, 'failed:' .. reason, 1)
end

local function end_lease(lease)
  redis.call('HDEL', key('leases'), lease.slot)
  add('inflight:' .. lease.queue, -1)
  if lease.group then
    count_running(lease, -1)
  end
  if is_in_pieces(lease) then
    count_pieces(lease, lease.body_read - lease.body_asked)
  end
end

-- Put a request back at the head of its queue, `used` attempts spent; to be started after so many ms.
local function requeue(lease, used, put_off)
  see_that_all_is_allowed()
  forget_client(lease)
  forget_pieces(lease)
  if used > 0 then
    redis.call('HSET', key('attempts'), registration(lease), used)
  end
  local from = put_off and lease_clock() + put_off or 0
  redis.call('ZADD', key('returned', lease.queue), from, padded(lease.entry))
  add('returned:' .. lease.queue, 1)
  end_lease(lease)
  add('waiting:' .. lease.queue, 1)
  count_waiting(lease, 1)
  write_held(lease, nil)
  if not paused(lease.queue) then
    ring(lease.queue) -- where it is put off, for one that looks again then
  end
  call_up(lease.group)
end

-- End a lease whose front has been told, or wants no answer (`withdrawn`).
local function finish(lease, withdrawn)
  if lease.streamed or withdrawn then -- of others nothing has been said
    forget_client(lease)
  end
  forget_pieces(lease)
  delete_entry(lease, lease.attempt > 1)
  end_lease(lease)
  if lease.group then
    call_up(lease.group)
  end
end

-- Answer a request with the fields of a reply entry, if its front still wants that. Returns whether it
-- does.
local function answer(lease, ...)
  local withdrawn = not unregister(lease)
  if not withdrawn then
    -- As `tell`, but the front gets it back where it can't be told.
    local told = redis.pcall('XADD', key('replies', lease.front), '*', ...)
    if type(told) == 'table' then
      write_held(lease, lease.slot)
      error(told, 0)
    end
    count_reply(lease.front, reply_size(...))
  end
  finish(lease, withdrawn)
  return not withdrawn
end

-- Give a request up: keep a dead letter, and tell its front that nobody will answer.
local function fail(lease, reason)
  see_that_front_can_be_told(lease)
  dead_letter(lease, reason)
  local withdrawn = not unregister(lease)
  if not withdrawn then
    tell_reason(lease, reason)
  end
  finish(lease, withdrawn)
end

-- End the lease of a request whose front wants no answer.
local function drop(lease)
  unregister(lease)
  finish(lease, true)
end

-- Deal with a lease whose worker is lost: run the request again where that is safe, else give it up.
local function recover(lease)
  if not wanted(lease) then
    if runs_once(lease) then
      fail(lease, 'worker_lost')
    else
      drop(lease)
    end
  elseif tonumber(lease.max_attempts) > lease.attempt and not lease.streamed then
    requeue(lease, lease.attempt)
    add_stat(lease.queue, 'redelivered', 1)
  else
    fail(lease, 'worker_lost')
  end
end

-- Tell a worker that nobody reads an answer in flight any more: it stops the view where that waits
-- for its client.
local function stop_answering(request)
  local lease = lease_of(request)
  if lease then
    tell_worker(lease, LEFT)
    if is_in_pieces(lease) then
      ring(body_bell(lease.slot))
    end
  end
  redis.call('HDEL', key('held', request.front), request.id)
end

-- Drop what a front left behind, at most `limit` requests a call. Returns whether it is done.
local function reap_front(front, limit)
  local held = key('held', front)
  local entries = redis.call('HSCAN', held, '0', 'COUNT', limit)[2]
  for i = 1, #entries, 2 do
    local request = read_held(entries[i], front, entries[i + 1])
    if request.slot then
      stop_answering(request)
    else
      local _, trial = end_waiting(request)
      if not trial then
        add_stat(request.queue, 'failed:front_lost', 1)
      end
    end
  end
  if redis.call('EXISTS', held) == 1 then
    return false
  end
  redis.call('XLEN', key('replies', front))
  if not drop_replies(front, limit) then
    return false
  end
  redis.call('ZREM', key('fronts'), front)
  redis.call('DEL', key('replies', front), key('front', front))
  add('bytes', -number('replies:' .. front))
  clear('replies:' .. front)
  return true
end
