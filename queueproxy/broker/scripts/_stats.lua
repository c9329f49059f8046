-- Totals and histograms of one queue; bucket `i` counts what took at most BOUNDS[i] seconds.
local BOUNDS = { .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120 }

local function observe(queue, what, seconds)
  local bucket = #BOUNDS + 1
  for i = 1, #BOUNDS do
    if seconds <= BOUNDS[i] then
      bucket = i
      break
    end
  end
  local key = K.stats(queue)
  redis.call('HINCRBY', key, what .. ':' .. bucket, 1)
  redis.call('HINCRBY', key, what .. ':us', math.floor(seconds * 1000000))
end
