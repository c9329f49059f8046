-- Groups: requests of which no more than so many run at once, whichever workers run them.
--
-- What runs is counted by leases: a request counts from its claim until its lease ends, in whichever way
-- that is (settled, released, its worker given up). What waits stands in its queue like any other. The
-- claim that meets one whose group is full puts it in the group's line, and goes on with what is behind
-- it: so others pass, and an entry is looked at once. A place that becomes free calls up the first of
-- the line: it stands with those handed back, before all that has not been looked at yet, and the next
-- claim takes it. Nothing is reserved by that: a claim looks at the group whatever it takes.
--
-- A line holds the requests of all queues, for one view may have some in several: the first of each queue
-- is called up, since one of them may be paused or without a worker, and who finds the group full again
-- goes back to where it stood. So while a queue has some in the line and there is a place, one of them
-- stands where a claim finds it.
--
-- The scripts go by the group that enqueue has registered, and can't verify what is signed; a worker does,
-- and refuses a request whose signed head says another group or limit. Who can write to the broker can
-- still let more run than may (by making `groups` say that fewer do), or fewer.

local GROUP_SHARE = 4 -- a group may have one in so many of the requests that a queue may have waiting

local function group_depth(max_depth)
  return math.max(1, math.floor(max_depth / GROUP_SHARE))
end

local function count_group(name, field, by)
  if name then
    local group = group_named(name)
    group[field] = math.max(0, group[field] + by)
  end
end

-- Fail before anything is changed where a key that is about to be written is of the wrong type.
local function see_group(request)
  if request.group then
    group_named(request.group)
    redis.call('ZCARD', key('line', request.group))
  end
end

local function in_line_as(queue, entry)
  return queue .. ' ' .. padded(entry)
end

-- The first of a queue in a line; of the queue behind `after`, where none is given.
local function first_in_line(name, queue, after)
  local from, to = after and '(' .. after .. '!' or '-', '+' -- '!' follows the space
  if queue then
    from, to = '[' .. queue .. ' ', '(' .. queue .. '!'
  end
  return redis.call('ZRANGE', key('line', name), from, to, 'BYLEX', 'LIMIT', 0, 1)[1]
end

-- Whether a waiting request must wait for its group: it is full, or one of its queue that came before
-- stands in the line still (by a lower limit, of a release before).
local function must_line_up(request)
  local group = group_named(request.group)
  if group.running >= tonumber(request.at_most) then
    return true
  end
  local first = group.waiting > 1 and first_in_line(request.group, request.queue)
  return first and first < in_line_as(request.queue, request.entry)
end

local function line_up(request)
  redis.call('ZADD', key('line', request.group), 0, in_line_as(request.queue, request.entry))
  add('in_line:' .. request.queue, 1)
end

-- Take a request out of the line of its group. Returns whether it stood there.
local function leave_line(request)
  if redis.call('ZREM', key('line', request.group), in_line_as(request.queue, request.entry)) == 0 then
    return false
  end
  add('in_line:' .. request.queue, -1)
  return true
end

-- Where one more of a group may run, let the next claims find the first of its line. To be called last,
-- wherever a request of it has ended, started or left its place.
local function call_up(name)
  local group = name and group_named(name)
  if not group or group.waiting == 0 or group.running >= group.at_most then
    return
  end
  local member = first_in_line(name)
  while member do
    local queue, entry = string.match(member, '^(%S+) (%S+)$')
    redis.call('ZADD', key('returned', queue), 0, entry)
    add('returned:' .. queue, 1)
    redis.call('ZREM', key('line', name), member)
    add('in_line:' .. queue, -1)
    if not paused(queue) then
      ring(queue)
    end
    member = first_in_line(name, nil, queue)
  end
end

-- The entry of a queue that has stood longest in any line; nil where none does.
local function longest_in_line(queue)
  local longest
  for _, name in ipairs(number('in_line:' .. queue) > 0 and redis.call('HKEYS', key('groups')) or {}) do
    local member = first_in_line(name, queue)
    local entry = member and string.match(member, '^%S+ (%S+)$')
    if entry and (not longest or entry < longest) then
      longest = entry
    end
  end
  return longest and unpadded(longest)
end
