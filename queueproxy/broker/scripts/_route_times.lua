-- How long requests waited and ran, by route and period. What is counted of a route is a text: see
-- broker/route_counts.py. Workers add to the minute that is; once that is over, it is added to the
-- longer periods that it lies in. So a request costs what one short text does, and a month is small.

local add_route_times, add_minutes_to_longer

do -- Lua allows a function 200 local names: nobody else needs these.

local MINUTE, MINUTES_KEPT = 60, 3900 -- seconds of a period, seconds it is kept from its first request on
local LONGER = { { 600, 87600 }, { 10800, 2602800 } } -- the same
local MOST_ROUTES = 100 -- of one period
local OTHER = '(other)'
local ADDED = '=' -- a field no route is named like: this minute has been added to the longer ones
local MOST_MINUTES = 60 -- to be added at once, after a while in which nobody sampled

local function period_key(length, second)
  return key('history', 'routes:' .. length .. ':' .. integer(math.floor(second / length) * length))
end

local function summed(one, other)
  local sums, words = {}, {}
  for _, text in ipairs({ one, other }) do
    for name, counted in string.gmatch(text, '(%a%w*)=(%d+)') do
      sums[name] = (sums[name] or 0) + tonumber(counted)
    end
  end
  for name, sum in pairs(sums) do
    words[#words + 1] = name .. '=' .. sum -- of fewer than 14 digits: Lua writes all of them
  end
  return table.concat(words, ' ')
end

-- Add to one route of a period. Statistics must not stop the rest: what is of another type is left alone.
local function add_to(period, kept, route, counts)
  local before = redis.pcall('HGET', period, route)
  if type(before) == 'table' then
    return
  elseif before then
    redis.call('HSET', period, route, summed(before, counts))
  elseif route ~= OTHER and redis.call('HLEN', period) >= MOST_ROUTES then
    add_to(period, kept, OTHER, counts)
  else
    redis.call('HSET', period, route, counts)
    redis.call('PEXPIRE', period, kept * 1000)
  end
end

-- Add to the minute that is.
function add_route_times(route, counts)
  if not value('routes_since') then
    set('routes_since', integer(math.floor(NOW / 1000)))
  end
  add_to(period_key(MINUTE, NOW / 1000), MINUTES_KEPT, route, counts)
end

local function add_minute_to_longer(second)
  local minute = period_key(MINUTE, second)
  local routes = redis.pcall('HGETALL', minute)
  if #routes == 0 or redis.call('HEXISTS', minute, ADDED) == 1 then
    return -- nothing was counted; or the clock went back, and it has been added before
  end
  redis.call('HSET', minute, ADDED, '1')
  for at = 1, #routes, 2 do
    for _, longer in ipairs(LONGER) do
      add_to(period_key(longer[1], second), longer[2], routes[at], routes[at + 1])
    end
  end
end

-- Add the minutes that have ended since `before` (s) by `second` to the longer periods.
function add_minutes_to_longer(before, second)
  local first = math.max(math.floor(before / MINUTE), math.floor(second / MINUTE) - MOST_MINUTES)
  for minute = first, math.floor(second / MINUTE) - 1 do
    add_minute_to_longer(minute * MINUTE)
  end
end

end -- of what nobody else needs
