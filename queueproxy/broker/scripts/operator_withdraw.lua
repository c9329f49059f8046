-- operator_withdraw: a person takes a waiting request off its queue; its client is told.
--
-- ARGV: run, queue, entry. Returns 'epoch', 'gone' (it no longer waits) or 'ok'.

local function operator_withdraw(queue, entry)
  local fields = read_entry(queue, entry)
  local meta = fields and parse_meta(fields.m)
  local held = meta and redis.call('HGET', key('held', meta.front), meta.id)
  local request = held and parse_held(meta.id, meta.front, held)
  if not request or request.slot or request.entry ~= entry then
    return 'gone'
  end
  unqueue(request)
  local started = redis.call('HDEL', key('attempts'), request.id) == 1
  forget(request)
  notice(request, started and 'hold_expired_started' or 'withdrawn')
  add_stat(queue, 'withdrawn', 1)
  return 'ok'
end

register('operator_withdraw', function()
  if epoch_changed() then
    return 'epoch'
  end
  return operator_withdraw(ARGV[2], ARGV[3])
end, { 'allow-oom' })
