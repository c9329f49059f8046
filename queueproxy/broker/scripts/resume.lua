-- resume: let these queues go on. ARGV: run, queues...
-- Returns 'epoch', or the list of those that were paused.

if epoch_changed() then
  return 'epoch'
end
local resumed = {}
for i = 2, #ARGV do
  if paused(ARGV[i]) then
    resumed[#resumed + 1] = ARGV[i]
  end
  redis.call('HDEL', K.state, 'paused:' .. ARGV[i])
  redis.call('HDEL', K.pauses, ARGV[i])
  if tonumber(redis.call('HGET', K.state, 'waiting:' .. ARGV[i]) or 0) > 0 then
    ring(ARGV[i])
  end
end
return resumed
