-- withdraw: a front no longer wants some requests; those not started never will be.
--
-- ARGV: run, front, why (left: its client has gone; expired: its hold is over), ids...
-- Returns 'epoch', or a list with, for each id, 'withdrawn', 'in_flight', 'gone', or 'started': it
-- waited, but was started before, on a worker that was lost.

local FRONT, WHY

local function unstage(id)
  local staged = redis.call('HGET', key('staged', FRONT), id)
  if staged then
    redis.call('HDEL', key('staged', FRONT), id)
    redis.call('DEL', key('body', id))
    add('bytes', -tonumber(staged))
  end
end

local function withdraw(id)
  local held = redis.call('HGET', key('held', FRONT), id)
  if not held then
    unstage(id)
    return 'gone'
  end
  local request = parse_held(id, FRONT, held)
  if request.slot then
    redis.call('HDEL', key('held', FRONT), id)
    if WHY == 'expired' then
      add_stat(request.queue, 'failed:hold_expired_started', 1)
    end
    local lease = read_lease(request.slot)
    if lease and lease.streamed then
      -- Its worker may be waiting for credit: wake it, so that it stops the view.
      redis.call('RPUSH', key('flow', id), '0')
      redis.call('PEXPIRE', key('flow', id), FLOW_EXPIRES)
    end
    return 'in_flight'
  end
  unqueue(request)
  local started = redis.call('HDEL', key('attempts'), id) == 1
  forget(request)
  add_stat(request.queue, WHY == 'expired' and 'failed:' .. hold_expired(started) or 'withdrawn', 1)
  return started and 'started' or 'withdrawn'
end

register('withdraw', function()
  FRONT, WHY = ARGV[2], ARGV[3]
  if epoch_changed() then
    return 'epoch'
  end
  local results = {}
  for i = 4, #ARGV do
    results[#results + 1] = withdraw(ARGV[i])
  end
  return results
end, { 'allow-oom' })
