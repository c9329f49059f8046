-- operator_withdraw: a person takes waiting requests off their queue; their clients are told.
--
-- Arguments: queue; then entries: ids in the queue's stream.
-- Reply: for each, 'gone' (it no longer waits) or 'ok'.

local A = arguments('queue')

local function withdraw_entry(entry)
  local fields = read_entry(A.queue, entry)
  local meta = fields and parse_meta(fields.m)
  local held = meta and redis.call('HGET', key('held', meta.front), meta.id)
  local request = held and read_held(meta.id, meta.front, held)
  if not request or request.slot or request.entry ~= entry then
    return 'gone'
  end
  see_that_front_can_be_told(request)
  local started, trial = end_waiting(request)
  local reason = started and 'hold_expired_started' or 'withdrawn'
  tell_reason(request, reason)
  if not trial then
    add_stat(A.queue, 'failed:' .. reason, 1)
    add_stat(A.queue, 'withdrawn', 1)
  end
  return 'ok'
end

register('operator_withdraw', A, { flags = { 'allow-oom' } }, function()
  local results = {}
  for i = A.rest, #ARGV do
    results[#results + 1] = withdraw_entry(ARGV[i])
  end
  return results
end)
