-- pause: start nothing from these queues until they are resumed or the pause ends by itself.
--
-- Arguments: owner: who pauses, a person; length: ms; reason; then queues.
-- Reply: 'ok'.
--
-- The pause takes the place of the one that the same owner made before. Where others paused too, the
-- queue is paused until the latest end of all.

local A = arguments('owner', 'length', 'reason')

local function pause()
  advance_clock()
  local json = cjson.encode({
    by = A.owner, reason = A.reason, since = NOW / 1000, ends = lease_clock() + tonumber(A.length),
  })
  for i = A.rest, #ARGV do
    redis.call('HSET', key('pauses'), pause_field(ARGV[i], A.owner), json)
    update_pause(ARGV[i])
  end
  return 'ok'
end

register('pause', A, { flags = { 'allow-oom' } }, pause)
