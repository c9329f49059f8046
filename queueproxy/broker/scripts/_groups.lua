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

local GROUP_SHARE = 4 -- what waits of a group may be one in so many of a queue, and as much of all bytes

-- Whether no more requests of its group may wait. One may in any case.
local function group_is_full(request, max_depth, max_bytes)
  local group = group_named(request.group)
  return group.waiting > 0 and (group.waiting >= math.floor(max_depth / GROUP_SHARE)
    or group.size + tonumber(request.size) > max_bytes / GROUP_SHARE)
end

local function count_waiting(request, by)
  if request.group then
    local group = group_named(request.group)
    group.waiting = math.max(0, group.waiting + by)
    group.size = math.max(0, group.size + by * tonumber(request.size))
  end
end

local function count_running(request, by)
  if request.group then
    local group = group_named(request.group)
    group.running = math.max(0, group.running + by)
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

-- The first in a line between two bounds, as ZRANGE BYLEX has them.
local function first_between(name, from, to)
  return redis.call('ZRANGE', key('line', name), from, to, 'BYLEX', 'LIMIT', 0, 1)[1]
end

-- The bound behind all of a queue in any line: '!' follows the space.
local function behind(queue)
  return '(' .. queue .. '!'
end

local function first_in_line(name, queue)
  return first_between(name, '[' .. queue .. ' ', behind(queue))
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

-- Count those that go to a line (or come back from it), and wait for no worker there.
local function count_in_line(queue, by)
  add('in_line:' .. queue, by)
  add('waiting:' .. queue, -by)
end

-- Take a request out of the line of its group. Returns whether it stood there.
local function leave_line(request)
  if redis.call('ZREM', key('line', request.group), in_line_as(request.queue, request.entry)) == 0 then
    return false
  end
  count_in_line(request.queue, -1)
  return true
end

-- Where one more of a group may run, let the next claims find the first of its line. To be called last,
-- wherever a request of it has ended, started or left its place.
local function call_up(name)
  local group = name and group_named(name)
  if not group or group.waiting == 0 or group.running >= group.at_most then
    return
  end
  local member = first_between(name, '-', '+')
  if member then
    see_that_all_is_allowed()
  end
  while member do
    local queue, entry = string.match(member, '^(%S+) (%S+)$')
    redis.call('ZADD', key('returned', queue), 0, entry)
    add('returned:' .. queue, 1)
    redis.call('ZREM', key('line', name), member)
    count_in_line(queue, -1)
    if not paused(queue) then
      ring(queue)
    end
    member = first_between(name, behind(queue), '+')
  end
end

-- The entry of a queue that has stood longest in any line; nil where none does.
local function longest_in_line(queue)
  local longest
  local names = number('in_line:' .. queue) > 0 and redis.call('HKEYS', key('groups')) or {}
  for _, name in ipairs(names) do
    local member = first_in_line(name, queue)
    local entry = member and string.match(member, '^%S+ (%S+)$')
    if entry and (not longest or entry < longest) then
      longest = entry
    end
  end
  return longest and unpadded(longest)
end
