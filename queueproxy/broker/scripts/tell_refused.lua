-- tell_refused: keep what a front tells of requests that it has answered itself, for people to find.
--
-- Arguments: kept: how many are kept; then what is kept of each (see broker/answered.py).
-- Reply: 'ok'.

local A = arguments('kept')
local REFUSED_EXPIRE = 86400000 -- ms

register('tell_refused', A, { flags = { 'allow-oom' } }, function()
  local refused = key('answered', 'refused')
  if redis.call('RPUSH', refused, unpack(ARGV, A.rest)) > tonumber(A.kept) then
    redis.call('LTRIM', refused, -tonumber(A.kept), -1)
  end
  redis.call('PEXPIRE', refused, REFUSED_EXPIRE)
  return 'ok'
end)
