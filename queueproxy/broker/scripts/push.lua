-- push: send one frame of a streamed answer, while its worker still holds the lease.
--
-- Arguments: worker, slot; id, entry, attempt: of the lease; version, head, body, signature: of the frame;
-- max_bytes: of all in the broker.
-- Reply: 'fenced', 'gone' (the client has left), 'full' (nothing was done: fronts have to read first) or
-- 'ok'.

local A = arguments('worker', 'slot', 'id', 'entry', 'attempt', 'version', 'head', 'body',
  'signature', 'max_bytes')

register('push', A, { flags = { 'allow-oom' } }, function()
  if not redis.call('ZSCORE', key('workers'), A.worker) then
    return 'fenced'
  end
  local lease = read_lease(A.slot)
  if not lease or registration(lease) ~= A.id .. ' ' .. A.entry
      or lease.attempt ~= tonumber(A.attempt) then
    return 'fenced'
  end
  if not wanted(lease) then
    return 'gone'
  end
  local size = reply_size('v', A.version, 'h', A.head, 'b', A.body, 's', A.signature)
  if no_room_for_reply(lease.front, size, A.max_bytes) then
    return 'full'
  end
  tell(lease.front, 'v', A.version, 'h', A.head, 'b', A.body, 's', A.signature)
  if not lease.streamed then
    lease.streamed = true
    write_lease(lease)
  end
  return 'ok'
end)
