-- hold: pause these queues for a short while, again and again, for as long as a command runs.
--
-- Arguments: length: ms; token: names the hold; details: JSON with the token in `hold`; then queues.
-- Reply: whether the broker did not know of this hold (1 or 0: the first time, after it lapsed, after
-- a flush), then the queues that are paused now.
--
-- A pause that a person made is neither taken over nor shortened, and one that a person ended is
-- not made again.

local A = arguments('length', 'token', 'details')

-- Whether a queue's pause was made by a hold that has ended since, so that another speaks for it.
local function orphaned(queue)
  local maker = pause_details(queue).hold
  return maker and not redis.call('ZSCORE', key('holds'), maker)
end

register('hold', A, { flags = { 'allow-oom' } }, function()
  advance_clock()
  local ends = clock() + tonumber(A.length)
  end_holds()
  local anew = redis.call('ZADD', key('holds'), ends, A.token) == 1
  local held = { anew and 1 or 0 }
  for i = A.rest, #ARGV do
    local queue = ARGV[i]
    local was = paused(queue)
    if was or anew then
      set('paused:' .. queue, integer(math.max(number('paused:' .. queue), ends)))
      held[#held + 1] = queue
    end
    if (anew and not was) or (was and orphaned(queue)) then
      redis.call('HSET', key('pauses'), queue, A.details)
    end
  end
  return held
end)
