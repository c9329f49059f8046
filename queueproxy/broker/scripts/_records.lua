-- Requests as the broker keeps them: read and written. A `request` is a table with the fields of a Meta or
-- Held (records.py) and id, front, queue and entry; a lease is a Lease with its `slot`.

local function read_held(id, front, text)
  local request = parse_held(text)
  if request then
    request.id, request.front = id, front
    see_group(request)
  end
  return request
end

local function write_held(request, slot)
  request.slot = slot
  redis.call('HSET', key('held', request.front), request.id, pack_held(request))
end

local function read_lease(slot)
  local lease = parse_lease(redis.call('HGET', key('leases'), slot))
  if lease then
    lease.slot = slot
    see_group(lease)
  end
  return lease
end

local function write_lease(lease)
  redis.call('HSET', key('leases'), lease.slot, pack_lease(lease))
end

-- Whether two records are of one entry.
local function is_of(record, request)
  return record.queue == request.queue and record.entry == request.entry
end

-- The lease of a request in flight, as its front knows it; nil where it is another's by now.
local function lease_of(request)
  local lease = read_lease(request.slot)
  return lease and is_of(lease, request) and lease or nil
end

-- Whether a request may be run at most once.
local function runs_once(request)
  return request.max_attempts == '1'
end

-- Whether its front holds it, and so wants its answer: this entry, not a later one of the same id.
local function wanted(request)
  local held = parse_held(redis.call('HGET', key('held', request.front), request.id))
  return held and is_of(held, request)
end

-- Take it off its front's list of held requests. Returns whether it was there.
local function unregister(request)
  return wanted(request) and redis.call('HDEL', key('held', request.front), request.id) == 1
end

local function front_lives(front)
  local expires = redis.call('ZSCORE', key('fronts'), front)
  return expires and tonumber(expires) > lease_clock()
end

-- The reason for a request whose hold ran out while it waited: it may have been started before.
local function hold_expired(started)
  return started and 'hold_expired_started' or 'hold_expired'
end

local function entry_fields(queue, entry)
  local found = redis.call('XRANGE', key('queue', queue), entry, entry)[1]
  return found and found[2]
end

local function read_entry(queue, entry)
  local fields = entry_fields(queue, entry)
  return fields and table_of(fields)
end
