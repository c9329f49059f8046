-- include: requests
-- withdraw: a front no longer wants some requests; those not started never will be.
--
-- ARGV: run, front, ids...
-- Returns 'epoch', or a list with, for each id, 'withdrawn', 'in_flight' or 'gone'.

local FRONT = ARGV[2]

local function unstage(id)
  local staged = redis.call('HGET', K.staged(FRONT), id)
  if staged then
    redis.call('HDEL', K.staged(FRONT), id)
    redis.call('DEL', K.body(id))
    count('bytes', -tonumber(staged))
  end
end

local function withdraw(id)
  local held = redis.call('HGET', K.held(FRONT), id)
  if not held then
    unstage(id)
    return 'gone'
  end
  local request = parse_held(id, FRONT, held)
  if request.slot then
    redis.call('HDEL', K.held(FRONT), id)
    local lease = read_lease(request.slot)
    if lease and lease.streamed then
      -- Its worker may be waiting for credit: wake it, so that it stops the view.
      redis.call('RPUSH', K.flow(id), '0')
      redis.call('PEXPIRE', K.flow(id), FLOW_EXPIRES)
    end
    return 'in_flight'
  end
  unqueue(request)
  redis.call('HDEL', K.attempts, id)
  forget(request)
  redis.call('HINCRBY', K.stats(request.queue), 'withdrawn', 1)
  return 'withdrawn'
end

if epoch_changed() then
  return 'epoch'
end
local results = {}
for i = 3, #ARGV do
  results[#results + 1] = withdraw(ARGV[i])
end
return results
