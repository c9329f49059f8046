-- tell_boot_failure: say why processes of a supervisor do not come up, for people to see.
--
-- Arguments: supervisor; failure: JSON, '' where they have come up.
-- Reply: 'ok'.

local A = arguments('supervisor', 'failure')
local KEPT = 86400000 -- ms
local MOST = 50 -- supervisors: of more than that all are forgotten, and the next tell anew

register('tell_boot_failure', A, { flags = { 'allow-oom' } }, function()
  local failures = key('boot_failures')
  if A.failure == '' then
    redis.call('HDEL', failures, A.supervisor)
    return 'ok'
  end
  if redis.call('HLEN', failures) >= MOST then
    redis.call('DEL', failures)
  end
  redis.call('HSET', failures, A.supervisor, A.failure)
  redis.call('PEXPIRE', failures, KEPT)
  return 'ok'
end)
