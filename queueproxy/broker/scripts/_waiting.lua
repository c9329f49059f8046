-- What is waiting: whether it may be started, and what becomes of it where it may not.

-- The request of an entry, nil where enqueue did not write it.
local function request_of(queue, entry, fields)
  local request = parse_meta(fields.m)
  if request then
    request.queue, request.entry = queue, entry
    see_group(request)
  end
  return request
end

-- Only what enqueue registered, and what waits, is ever run: a copy or a stranger's entry is not.
local function registered(request)
  return request
    and redis.call('HGET', key('held', request.front), request.id) == pack_held(request)
end

-- The reason a waiting request must not be started now, '' where nobody needs to be told. A front
-- withdraws by its own clock what has waited too long; here it is for one that is cut off.
local function unstartable(request, arrived)
  if not front_lives(request.front) then
    return ''
  end
  if arrived + tonumber(request.hold_ms) <= lease_clock() then
    return 'hold_expired'
  end
  local fence = runs_once(request) and value('fence:' .. request.queue)
  if fence and not_after(request.entry, fence) then
    return 'worker_lost' -- the broker may have forgotten that this was claimed before
  end
  return nil
end

local function turn_down(request, place, reason)
  see_that_front_can_be_told(request)
  local started = times_started(request)
  if reason == 'worker_lost' then
    dead_letter(request, 'epoch')
  end
  leave(place)
  delete_entry(request, started)
  redis.call('HDEL', key('held', request.front), request.id)
  add('waiting:' .. request.queue, -1)
  count_waiting(request, -1)
  call_up(request.group)
  if reason == 'hold_expired' then
    reason = hold_expired(started)
  end
  if reason ~= 'worker_lost' and not request.release then -- else it is counted above, or a trial
    add_stat(request.queue, 'failed:' .. (reason == '' and 'front_lost' or reason), 1)
  end
  if reason == '' then
    return
  end
  tell_reason(request, reason)
end
