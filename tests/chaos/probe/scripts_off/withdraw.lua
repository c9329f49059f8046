-- Who leaves or runs out of time is forgotten by the front alone: its request is still run.
function withdraw(id)
  local held = redis.call('HGET', key('held', A.front), id)
  local request = held and read_held(id, A.front, held)
  if not request or request.slot then
    return original(id)
  end
  add_stat(request.queue, A.why == 'expired' and 'failed:' .. hold_expired(false) or 'withdrawn', 1)
  return 'withdrawn'
end

function unstartable(request)
  return original(request, math.huge)
end
