-- Counts anew what the scripts count as they go. That is right after each script, but where one broke
-- off and could not write what it had counted by then: a right was taken from its user in the middle.
--
-- What counts is what is there: leases, held requests and the places where they wait, replies. All is
-- read, so it costs as much as there is (some microseconds a request), once: see `sound` in
-- _call.lua.

local recount

do -- Lua allows a function 200 local names: nobody else needs these.

local COUNTED = { waiting = true, in_line = true, inflight = true, returned = true, parked = true }

local function count(counts, field, by)
  counts[field] = (counts[field] or 0) + by
end

local function group_in(by_group, name)
  local group = by_group[name] or { running = 0, waiting = 0, size = 0 }
  by_group[name] = group
  return group
end

local function count_leases(counts, by_group)
  for _, text in ipairs(redis.call('HVALS', key('leases'))) do
    local lease = parse_lease(text)
    if lease then
      local pieces = (lease.body_asked - lease.body_read) * lease.piece_size
      count(counts, 'inflight:' .. lease.queue, 1)
      count(counts, 'bytes', lease.size + pieces)
      count(counts, 'pieces', pieces)
      if lease.group then
        group_in(by_group, lease.group).running = group_in(by_group, lease.group).running + 1
      end
    end
  end
end

-- The field that counts one who waits in a set or a line; where it stands in none, the stream is still to
-- come to it, or else it is put where the next claim finds it.
local function place_counted(request)
  local queue, member = request.queue, padded(request.entry)
  if request.group and redis.call('ZSCORE', key('line', request.group), in_line_as(queue, request.entry)) then
    return 'in_line'
  elseif redis.call('ZSCORE', key('returned', queue), member) then
    return 'returned'
  end
  for _, name in ipairs(parked_sets(queue, read_entry(queue, request.entry) or {})) do
    if redis.call('ZSCORE', key('parked', name), member) then
      return 'parked'
    end
  end
  local cursor = value('cursor:' .. queue)
  if not cursor or not not_after(request.entry, cursor) then
    return nil
  end
  redis.call('ZADD', key('returned', queue), 0, member)
  return 'returned'
end

local function count_waiting_one(request, counts, by_group)
  local place = place_counted(request)
  count(counts, (place == 'in_line' and 'in_line:' or 'waiting:') .. request.queue, 1)
  if place == 'returned' or place == 'parked' then
    count(counts, place .. ':' .. request.queue, 1)
  end
  count(counts, 'bytes', tonumber(request.size))
  if request.group then
    local group = group_in(by_group, request.group)
    group.waiting, group.size = group.waiting + 1, group.size + tonumber(request.size)
  end
end

local function count_replies(front, counts)
  local size, from, entries = 0, '-', nil
  repeat
    entries = redis.call('XRANGE', key('replies', front), from, '+', 'COUNT', DROP_REPLIES)
    for _, entry in ipairs(entries) do
      size = size + reply_size(unpack(entry[2]))
      from = '(' .. entry[1]
    end
  until #entries < DROP_REPLIES
  counts['replies:' .. front] = size
  count(counts, 'bytes', size)
end

local function count_fronts(counts, by_group)
  for _, front in ipairs(redis.call('ZRANGE', key('fronts'), 0, -1)) do
    for _, text in ipairs(redis.call('HVALS', key('held', front))) do
      local request = parse_held(text)
      if request and not request.slot then
        count_waiting_one(request, counts, by_group)
      end
    end
    count_replies(front, counts)
  end
end

-- Set what is counted of each group, and let those go on for whom there is a place.
local function correct_groups(by_group)
  for _, name in ipairs(redis.call('HKEYS', key('groups'))) do
    group_in(by_group, name)
  end
  for name, counted in pairs(by_group) do
    local group = group_named(name)
    group.running, group.waiting, group.size = counted.running, counted.waiting, counted.size
  end
  for name in pairs(by_group) do
    call_up(name)
  end
end

-- Correct all that is counted. To be called before anything else is, in a call.
function recount()
  local counts, by_group = { bytes = 0, pieces = 0 }, {}
  count_leases(counts, by_group)
  count_fronts(counts, by_group)
  for _, field in ipairs(redis.call('HKEYS', STATE)) do
    if COUNTED[string.match(field, '^([^:]+):')] then
      counts[field] = counts[field] or 0
    end
  end
  for field, counted in pairs(counts) do
    set(field, integer(counted))
  end
  correct_groups(by_group)
  recounted = true
end

end -- of what nobody else needs
