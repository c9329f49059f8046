-- sample: write one row of history, if nobody has for this second. Whoever calls does it for all.
--
-- A minute that has ended is added to the longer periods of the times by route: see _route_times.lua.
--
-- Arguments: queues.
-- Reply: 'done' or 'ok' (somebody else had).
--
-- A row is JSON: t (s), q: queue -> {depth, in flight, oldest wait (ms), enqueued, completed,
-- buckets of waits, paused (0 or 1), buckets of run times, not served: reason -> how many}. Enqueued,
-- completed, buckets and reasons are totals: differences of two rows give rates and percentiles at any
-- distance. The rest are peaks: the highest since the row before, so that a short pause still shows
-- after a month. Three lists hold rows of 1 s, 10 s and 5 min; each is made of the one before.

local A = arguments()
local SERIES = { { 1, 900 }, { 10, 2160 }, { 300, 8640 } } -- seconds between rows, rows kept
local BUCKETS = 15
local RETURNED_SEEN = 256 -- of a queue, in a look for the oldest
local PEAKS = { 1, 2, 3, 7 } -- places in a row of what is a peak

-- ms that an entry has waited, 0 where there is none.
local function waited(entry)
  return entry and math.max(0, lease_clock() - (tonumber(entry.c) or lease_clock())) or 0
end

-- The oldest of those handed back: those that are put off stand in the order of their times to be started.
local function first_returned(queue)
  local members = redis.call('ZRANGE', key('returned', queue), 0, RETURNED_SEEN - 1)
  table.sort(members)
  return members[1]
end

local function oldest_wait(queue)
  local member = first_returned(queue)
  local first = member and read_entry(queue, unpadded(member))
  local lined_up = longest_in_line(queue)
  local in_line = lined_up and read_entry(queue, lined_up)
  if not first then
    local cursor = value('cursor:' .. queue)
    local found = redis.call('XRANGE', key('queue', queue), cursor and '(' .. cursor or '-', '+',
      'COUNT', 1)[1]
    first = found and table_of(found[2])
  end
  return math.max(waited(first), waited(in_line))
end

-- How many were not served as wanted, by reason; '5xx' are those that views answered themselves.
local function not_served(stats)
  local reasons = {}
  for field, count in pairs(stats) do
    local reason = string.match(field, '^failed:(.+)') or string.match(field, '^refused:(.+)')
      or string.match(field, '^code:.*:5%d%d$') and '5xx'
    if reason then
      reasons[reason] = (reasons[reason] or 0) + (tonumber(count) or 0)
    end
  end
  return reasons
end

local function row_of(queue)
  local stats = table_of(redis.call('HGETALL', key('stats', queue)))
  local waits, runs, completed = {}, {}, 0
  for bucket = 1, BUCKETS do
    waits[bucket] = tonumber(stats['wait:' .. bucket]) or 0
    runs[bucket] = tonumber(stats['run:' .. bucket]) or 0
    completed = completed + runs[bucket]
  end
  local depth = number('waiting:' .. queue) + number('in_line:' .. queue)
  return { depth, number('inflight:' .. queue), depth > 0 and oldest_wait(queue) or 0,
    tonumber(stats.enqueued) or 0, completed, waits, paused(queue) and 1 or 0, runs, not_served(stats) }
end

-- Raise the peaks of `row` to those of the finer rows of its own span.
local function raise_peaks(row, finer, span)
  local series = redis.call('LRANGE', key('history', finer), -math.ceil(span / finer), -1)
  for _, json in ipairs(series) do
    local past = cjson.decode(json)
    for queue, now in pairs(past.t > row.t - span and row.q or {}) do
      local was = past.q[queue]
      for _, place in ipairs(was and PEAKS or {}) do
        now[place] = math.max(now[place], was[place])
      end
    end
  end
end

-- Delete the rows of a time that has not come yet: the server's clock was ahead. Times must rise.
local function delete_future(second)
  for _, series in ipairs(SERIES) do
    local rows = key('history', series[1])
    local newest = redis.call('LINDEX', rows, -1)
    while newest and tonumber(string.match(newest, '"t":(%d+)')) >= second do
      redis.call('RPOP', rows)
      newest = redis.call('LINDEX', rows, -1)
    end
  end
end

register('sample', A, {}, function()
  local second = math.floor(NOW / 1000)
  local before = number('sampled')
  if not command_refused('front_beat') then
    advance_clock()
  end
  if before > second then
    delete_future(second)
    before = second - 1
  elseif before == second then
    return 'ok'
  end
  set('sampled', integer(second))
  local row = { t = second, q = {} }
  for i = A.rest, #ARGV do
    row.q[ARGV[i]] = row_of(ARGV[i])
  end
  for i, series in ipairs(SERIES) do
    local step, rows_kept = series[1], series[2]
    if math.floor(second / step) > math.floor(before / step) then
      if i > 1 then
        raise_peaks(row, SERIES[i - 1][1], step)
      end
      redis.call('RPUSH', key('history', step), cjson.encode(row))
      redis.call('LTRIM', key('history', step), -rows_kept, -1)
    end
  end
  add_minutes_to_longer(before, second)
  return 'done'
end)
