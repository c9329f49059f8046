-- tell_boot_failure: say why processes of a release do not come up on a host, for people to see.
--
-- Arguments: host; release: '' for none; failure: JSON, '' where they have come up: then no earlier one of
-- the release is kept, nor any without a name; where `release` is '', none of the host.
-- Reply: 'ok'.

local A = arguments('host', 'release', 'failure')
local KEPT = 86400000 -- ms
local MOST = 50 -- where there are more, all are forgotten, and those that go on are told anew

local function forget_host()
  local prefix = A.host .. ' '
  for _, field in ipairs(redis.call('HKEYS', key('boot_failures'))) do
    if string.sub(field, 1, #prefix) == prefix then
      redis.call('HDEL', key('boot_failures'), field)
    end
  end
end

register('tell_boot_failure', A, { flags = { 'allow-oom' } }, function()
  if A.failure == '' and A.release ~= '' then
    redis.call('HDEL', key('boot_failures'), A.host .. ' ' .. A.release, A.host .. ' ')
    return 'ok'
  end
  if A.failure == '' then
    forget_host()
    return 'ok'
  end
  if redis.call('HLEN', key('boot_failures')) >= MOST then
    redis.call('DEL', key('boot_failures'))
  end
  redis.call('HSET', key('boot_failures'), A.host .. ' ' .. A.release, A.failure)
  redis.call('PEXPIRE', key('boot_failures'), KEPT)
  return 'ok'
end)
