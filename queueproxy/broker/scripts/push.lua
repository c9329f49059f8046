-- push: send one frame of a streamed answer, while its worker still holds the lease.
--
-- Arguments: worker, slot; id, entry, attempt: of the lease; version, head, body, signature: of the frame;
-- value_name, value_size: name and bytes of the value with its body, '' and 0 where that is in `body`;
-- max_bytes: of all in the broker.
-- Reply: 'fenced', 'gone' (the client has left), 'full' (nothing was done: fronts have to read first),
-- 'absent' (nothing was done: there is no such value) or 'ok'.

local A = arguments('worker', 'slot', 'id', 'entry', 'attempt', 'version', 'head', 'body',
  'signature', 'value_name', 'value_size', 'max_bytes')

local function push()
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
  local function fields()
    return frame_fields(A.version, A.head, A.body, A.signature, A.value_name, A.value_size)
  end
  if no_room_for_reply(lease.front, reply_size(fields()), A.max_bytes) then
    return 'full'
  end
  if not prolong_value(A.value_name, A.value_size) then
    return 'absent'
  end
  tell(lease.front, fields())
  if not lease.streamed then
    lease.streamed = true
    write_lease(lease)
  end
  return 'ok'
end

register('push', A, { often = true, flags = { 'allow-oom' } }, function()
  local reply = push()
  if reply ~= 'ok' then
    delete_value(A.value_name)
  end
  return reply
end)
