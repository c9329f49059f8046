-- acknowledge: how much of their streamed answers clients have taken; their workers may go on.
--
-- Arguments: front; then id and taken (bytes, since the beginning of the answer), again and again.
-- Reply: 'ok'.
--
-- What is said once more, or late, changes nothing: a worker never hears of fewer bytes than before.

local A = arguments('front')

local function acknowledge(id, taken)
  local request = read_held(id, A.front, redis.call('HGET', key('held', A.front), id))
  local lease = request and request.slot and lease_of(request)
  if not lease then
    return -- it is over
  end
  tell_worker(lease, taken)
  if not lease.streamed then -- the broker has forgotten that (failover)
    lease.streamed = true
    write_lease(lease)
  end
end

register('acknowledge', A, { often = true, flags = { 'allow-oom' } }, function()
  for i = A.rest, #ARGV, 2 do
    acknowledge(ARGV[i], ARGV[i + 1])
  end
  return 'ok'
end)
