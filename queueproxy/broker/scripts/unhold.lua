-- unhold: the command of a hold has ended; a person's pause gets its own end back.
--
-- ARGV: run, token, queues... Returns 'epoch', or the queues that go on.

local function own_end(queue, token)
  local details = cjson.decode(redis.call('HGET', key('pauses'), queue) or '{}')
  return details.hold ~= token and tonumber(details['until'] or 0) * 1000 or 0
end

register('unhold', function()
  if epoch_changed() then
    return 'epoch'
  end
  redis.call('DEL', key('hold', ARGV[2]))
  local resumed = {}
  for i = 3, #ARGV do
    local queue = ARGV[i]
    if paused(queue) then
      set('paused:' .. queue, integer(own_end(queue, ARGV[2])))
      if not paused(queue) then
        lift_pause(queue)
        resumed[#resumed + 1] = queue
      end
    end
  end
  return resumed
end, { 'allow-oom' })
