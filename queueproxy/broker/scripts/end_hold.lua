-- end_hold: the command of a hold has ended. A person's pause gets its own end back, and what another
-- hold needs goes on.
--
-- Arguments: token: names the hold; then queues.
-- Reply: the queues that go on.

local A = arguments('token')

register('end_hold', A, { flags = { 'allow-oom' } }, function()
  redis.call('ZREM', key('holds'), A.token)
  end_holds()
  local others = redis.call('ZRANGE', key('holds'), -1, -1, 'WITHSCORES')[2]
  local resumed = {}
  for i = A.rest, #ARGV do
    local queue = ARGV[i]
    if paused(queue) then
      local persons = tonumber(pause_details(queue).ends or 0)
      set('paused:' .. queue, integer(math.max(persons, tonumber(others or 0))))
      if not paused(queue) then
        lift_pause(queue)
        resumed[#resumed + 1] = queue
      end
    end
  end
  return resumed
end)
