-- push: send one frame of a streamed answer, while its worker still holds the lease.
--
-- ARGV: run, worker, slot, id, attempt, reply version, head, body, signature.
-- Returns 'epoch', 'fenced', 'gone' (the client has left) or 'ok'.

local WORKER, SLOT, ID, ATTEMPT

register('push', function()
  WORKER, SLOT, ID, ATTEMPT = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
  if epoch_changed() then
    return 'epoch'
  end
  if not redis.call('ZSCORE', key('workers'), WORKER) then
    return 'fenced'
  end
  local lease = read_lease(SLOT)
  if not lease or lease.id ~= ID or lease.attempt ~= ATTEMPT then
    return 'fenced'
  end
  if not wanted(lease) then
    return 'gone'
  end
  if not lease.streamed then
    lease.streamed = true
    write_lease(lease)
  end
  redis.call('XADD', key('replies', lease.front), '*', 'v', ARGV[6], 'h', ARGV[7], 'b', ARGV[8], 's', ARGV[9])
  redis.call('PEXPIRE', key('replies', lease.front), REPLIES_EXPIRE)
  return 'ok'
end, { 'allow-oom' })
