-- hold: pause these queues for a short while, again and again, for as long as a command runs.
--
-- Arguments: length: ms; token: names the hold; owner: who holds; reason; then queues.
-- Reply: whether the broker did not know of this hold (1 or 0: the first time, after it lapsed, after
-- a flush), then the queues that it pauses now.
--
-- What somebody has ended by breaking the hold is not paused again.

local A = arguments('length', 'token', 'owner', 'reason')

register('hold', A, { flags = { 'allow-oom' } }, function()
  advance_clock()
  end_holds()
  local anew = redis.call('ZADD', key('holds'), lease_clock() + tonumber(A.length), A.token) == 1
  local json = cjson.encode({ by = A.owner, reason = A.reason, since = NOW / 1000, hold = A.token })
  local held = { anew and 1 or 0 }
  for i = A.rest, #ARGV do
    local field = hold_field(ARGV[i], A.token)
    if anew then
      redis.call('HSET', key('pauses'), field, json)
    end
    if redis.call('HEXISTS', key('pauses'), field) == 1 then
      update_pause(ARGV[i])
      held[#held + 1] = ARGV[i]
    end
  end
  return held
end)
