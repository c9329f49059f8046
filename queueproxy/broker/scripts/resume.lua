-- resume: let these queues go on.
--
-- ARGV: run, ms between two starts until nothing waits (0: no limit), queues...
-- Returns 'epoch', or the list of those that were paused.

if epoch_changed() then
  return 'epoch'
end
local resumed = {}
for i = 3, #ARGV do
  local queue = ARGV[i]
  if paused(queue) then
    resumed[#resumed + 1] = queue
  end
  redis.call('HDEL', K.state, 'paused:' .. queue, 'pace:' .. queue, 'next:' .. queue)
  redis.call('HDEL', K.pauses, queue)
  if tonumber(redis.call('HGET', K.state, 'waiting:' .. queue) or 0) > 0 then
    if tonumber(ARGV[2]) > 0 then
      redis.call('HSET', K.state, 'pace:' .. queue, ARGV[2], 'next:' .. queue, NOW)
    end
    ring(queue)
  end
end
return resumed
