-- end_hold: the command of a hold has ended. What a person or another hold pauses stays paused.
--
-- Arguments: token: names the hold; then queues.
-- Reply: the queues that go on.

local A = arguments('token')

register('end_hold', A, { flags = { 'allow-oom' } }, function()
  redis.call('ZREM', key('holds'), A.token)
  end_holds()
  local resumed = {}
  for i = A.rest, #ARGV do
    redis.call('HDEL', key('pauses'), hold_field(ARGV[i], A.token))
    if paused(ARGV[i]) and not update_pause(ARGV[i]) then
      resumed[#resumed + 1] = ARGV[i]
    end
  end
  return resumed
end)
