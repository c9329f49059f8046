-- tell_scaling: say how many processes a supervisor that follows the load wants, for people and for others of
-- its kind, which leave its part of the load to it.
--
-- Arguments: supervisor; report: JSON, '' where it follows no more.
-- Reply: 'ok'.

local A = arguments('supervisor', 'report')
local KEPT = 60000 -- ms; what is older than a few seconds counts for nobody

-- ms of the lease clock at which a report was made, 0 where it is none.
local function made_at(report)
  local readable, told = pcall(cjson.decode, report)
  return readable and type(told) == 'table' and tonumber(told.at) or 0
end

local function forget_silent()
  local reports = redis.call('HGETALL', key('scaling'))
  for i = 1, #reports, 2 do
    if made_at(reports[i + 1]) < lease_clock() - KEPT then
      redis.call('HDEL', key('scaling'), reports[i])
    end
  end
end

register('tell_scaling', A, { flags = { 'allow-oom' } }, function()
  if A.report == '' then
    redis.call('HDEL', key('scaling'), A.supervisor)
    return 'ok'
  end
  redis.call('HSET', key('scaling'), A.supervisor, A.report)
  redis.call('PEXPIRE', key('scaling'), KEPT)
  forget_silent()
  return 'ok'
end)
