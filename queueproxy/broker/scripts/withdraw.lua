-- withdraw: a front no longer wants some requests; those not started never will be.
--
-- Arguments: front; why (left: its client has gone; expired: its hold is over); then ids.
-- Reply: for each id, 'withdrawn', 'in_flight', 'gone', or 'started': it waited, but was started
-- before, on a worker that was lost.

local A = arguments('front', 'why')

local function withdraw_started(request)
  stop_answering(request)
  if A.why == 'expired' then
    add_stat(request.queue, 'failed:hold_expired_started', 1)
  end
end

local function withdraw(id)
  local held = redis.call('HGET', key('held', A.front), id)
  if not held then
    return 'gone'
  end
  local request = read_held(id, A.front, held)
  if request.slot then
    withdraw_started(request)
    return 'in_flight'
  end
  local started, trial = end_waiting(request)
  if not trial then
    add_stat(request.queue, A.why == 'expired' and 'failed:' .. hold_expired(started) or 'withdrawn', 1)
  end
  return started and 'started' or 'withdrawn'
end

register('withdraw', A, { flags = { 'allow-oom' } }, function()
  local results = {}
  for i = A.rest, #ARGV do
    results[#results + 1] = withdraw(ARGV[i])
  end
  return results
end)
